import { command, headerOf, JSON_OPTION, readAll, required } from './command';
import { checkSignature } from './signature';

/** `verify`: whether a request that was received is one of ours. */
export const verifyCommand = command({
  summary: 'Exit code 0 if the body on standard input was signed with the secret, else 1.',
  options: {
    secret: { type: 'string', value: 'SECRET', describe: 'the signing secret' },
    header: { type: 'string', multiple: true, value: "'NAME: VALUE'", describe: 'a header of the request; give all that begin with webhook-, or X-Chakra-Signature-256' },
    'any-age': { type: 'boolean', describe: 'takes a timestamp that is more than five minutes away, as of a request that was kept' },
    ...JSON_OPTION,
  },
  stdin: 'body',
  async run({ values }, io) {
    const secret = required('secret', values.secret);
    const headers = Object.fromEntries((values.header ?? []).map(headerOf).map(([name, value]) => [name.toLowerCase(), value]));
    const sentAt = new Date(Number(headers['webhook-timestamp'] ?? 0) * 1000);
    const now = values['any-age'] === true && !Number.isNaN(sentAt.getTime()) ? sentAt : new Date();
    const check = checkSignature(headers, await readAll(io.stdin), secret, now);
    if (values.json === true) io.out(JSON.stringify(check));
    else if (check.valid) io.out('the signature is right');
    else io.err(check.reason);
    return check.valid ? 0 : 1;
  },
});
