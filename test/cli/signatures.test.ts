import { Webhook } from 'standardwebhooks';
import { run } from './run-cli';

const SECRET = 'whsec_cG9zdGhvcm4gcXVpY2tzdGFydCBzZWNyZXQh';
const BODY = '{"città":"Graz ☃"}';

const headerArguments = (headers: Record<string, string>): string[] =>
  Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);

test('what sign prints is what the reference library makes', async () => {
  const at = new Date(1_700_000_000_000);
  const { code, out } = await run(['sign', '--secret', SECRET, '--id', 'evt_1', '--timestamp', '1700000000'], { stdin: BODY });
  expect(code).toBe(0);
  expect(out).toEqual(['webhook-id: evt_1', 'webhook-timestamp: 1700000000', `webhook-signature: ${new Webhook(SECRET).sign('evt_1', at, BODY)}`]);
});

test.each([['standard', SECRET, ['--id', 'evt_1']], ['chakra', 'any string at all', []]] as const)('what sign made by %s, verify takes', async (_scheme, secret, more) => {
  const signed = await run(['sign', '--secret', secret, ...more], { stdin: BODY });
  const verified = await run(['verify', '--secret', secret, ...signed.out.flatMap((line) => ['--header', line])], { stdin: BODY });
  expect(verified).toMatchObject({ code: 0, out: ['the signature is right'] });
});

test('a secret that looks like another scheme’s can be used by name', async () => {
  const { out } = await run(['sign', '--secret', SECRET, '--scheme', 'chakra'], { stdin: BODY });
  expect(out).toEqual([expect.stringMatching(/^X-Chakra-Signature-256: [0-9a-f]{64}$/)]);
  expect((await run(['verify', '--secret', SECRET, '--header', out[0] ?? ''], { stdin: BODY })).code).toBe(0);
});

test('verify refuses another body, another secret, an old timestamp and no signature, and says why', async () => {
  const at = new Date(1_700_000_000_000);
  const old = { 'webhook-id': 'evt_1', 'webhook-timestamp': '1700000000', 'webhook-signature': new Webhook(SECRET).sign('evt_1', at, BODY) };
  const verify = (body: string, ...more: string[]) => run(['verify', '--secret', SECRET, ...headerArguments(old), ...more], { stdin: body });
  expect(await verify(BODY)).toMatchObject({ code: 1, err: [expect.stringContaining('5 minutes')] });
  expect(await verify(BODY, '--any-age')).toMatchObject({ code: 0 });
  expect(await verify(`${BODY} `, '--any-age')).toMatchObject({ code: 1, err: [expect.stringContaining('no v1 signature')] });
  expect(await run(['verify', '--secret', SECRET], { stdin: BODY })).toMatchObject({ code: 1, err: [expect.stringContaining('neither')] });
});

test('sign refuses a secret that can not sign, without repeating it', async () => {
  const { code, err } = await run(['sign', '--secret', 'whsec_c4nary', '--id', 'evt_1'], { stdin: BODY });
  expect(code).toBe(2);
  expect(err[0]).toMatch(/--secret must/);
  expect(err.join()).not.toContain('c4nary');
});
