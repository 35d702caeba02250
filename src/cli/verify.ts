import { command, readAll, required, UsageError } from './command';
import { checkSignature } from './signature';

/** `verify`: whether a request that was received is one of ours. */
export const verifyCommand = command({
  usage: "--secret SECRET --header 'NAME: VALUE' [--header ...] [--any-age] < body",
  summary: 'Exit code 0 if the body on standard input was signed with the secret, else 1.',
  options: {
    secret: { type: 'string', value: 'SECRET', describe: 'the signing secret' },
    header: { type: 'string', multiple: true, value: "'NAME: VALUE'", describe: 'a header of the request; give all that begin with webhook-, or X-Chakra-Signature-256' },
    'any-age': { type: 'boolean', describe: 'takes a timestamp that is more than five minutes away, as of a request that was kept' },
  },
  async run({ values }, io) {
    const secret = required('secret', values.secret);
    const headers = Object.fromEntries((values.header ?? []).map(readHeader));
    const sentAt = new Date(Number(headers['webhook-timestamp'] ?? 0) * 1000);
    const now = values['any-age'] === true && !Number.isNaN(sentAt.getTime()) ? sentAt : new Date();
    const check = checkSignature(headers, await readAll(io.stdin), secret, now);
    if (check.valid) io.out('the signature is right');
    else io.err(check.reason);
    return check.valid ? 0 : 1;
  },
});

function readHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw new UsageError(`--header must be 'name: value' (seen: ${JSON.stringify(line)})`);
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
}
