import { command, JSON_OPTION, readAll, required, wholeNumber } from './command';
import { schemeOf, signBody } from './signature';

/** `sign`: the headers that Posthorn would send with a body. */
export const signCommand = command({
  summary: 'Prints the signature headers of the body on standard input.',
  options: {
    secret: { type: 'string', value: 'SECRET', describe: 'the signing secret' },
    id: { type: 'string', value: 'ID', describe: 'the webhook-id: the id of the event (not for chakra)' },
    timestamp: { type: 'string', value: 'SECONDS', describe: 'the webhook-timestamp, in seconds since 1970; now unless told' },
    scheme: { type: 'string', value: 'SCHEME', describe: 'standard or chakra; unless told: standard where the secret begins with whsec_' },
    ...JSON_OPTION,
  },
  stdin: 'body',
  async run({ values }, io) {
    const secret = required('secret', values.secret);
    const scheme = schemeOf(values.scheme, secret);
    const id = scheme === 'standard-webhooks' ? required('id', values.id) : '';
    const seconds = wholeNumber('timestamp', values.timestamp, Math.floor(Date.now() / 1000), 0, 253_402_300_799);
    const headers = signBody(scheme, secret, { id, timestamp: new Date(seconds * 1000), body: await readAll(io.stdin) });
    for (const line of values.json === true ? [JSON.stringify(headers)] : Object.entries(headers).map(([name, value]) => `${name}: ${value}`)) io.out(line);
    return 0;
  },
});
