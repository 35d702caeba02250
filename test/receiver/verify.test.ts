import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { SigningSecret } from '../../src/domain/endpoint';
import { createVerifier, type Dialect, fetchReceiver, ReceiveError, type ReceiverOptions, verify } from '../../src/receiver';
import { generateSecret, publicKeyOf, signatureHeaders } from '../../src/wire/sign';

const NOW = new Date(1_700_000_000_000);
const BODY = '{"id":"evt_1","type":"invoice.paid","timestamp":"2025-11-04T09:30:00.000Z","data":{"città":"Graz ☃"}}';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const current = (secret: string): SigningSecret => ({ secret, expiresAt: null });
const until = (secret: string): SigningSecret => ({ secret, expiresAt: new Date(NOW.getTime() + 1000) });
const signed = (secrets: readonly SigningSecret[], body = BODY, at = NOW): Record<string, string> =>
  signatureHeaders('standard-webhooks', { id: 'evt_1', timestamp: at, body: bytes(body), secrets });

/** What a check comes to: the received request, or the code of the refusal. */
const outcome = (headers: Record<string, unknown>, options: object, body = BODY): Promise<unknown> =>
  verify({ headers, body: bytes(body) }, { dialect: 'standard', now: () => NOW, ...options } as unknown as ReceiverOptions<'standard'>).catch((error: unknown) => {
    if (!(error instanceof ReceiveError)) throw error;
    return error.code;
  });

describe('Standard Webhooks', () => {
  const secret = generateSecret('v1');

  test('what the service signs is taken, with its id, its time and its body', async () => {
    expect(await outcome(signed([current(secret)]), { secrets: secret })).toEqual({
      dialect: 'standard', id: 'evt_1', sentAt: NOW, body: JSON.parse(BODY), raw: bytes(BODY),
    });
  });

  test.each([['standardwebhooks', StandardWebhook], ['svix', SvixWebhook]] as const)('what the library %s signs is taken', async (_name, Webhook) => {
    const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': '1700000000', 'webhook-signature': new Webhook(secret).sign('evt_1', NOW, BODY) };
    expect(await outcome(headers, { secrets: secret })).toMatchObject({ id: 'evt_1' });
    expect(await outcome(headers, { secrets: secret }, `${BODY} `)).toBe('signature');
  });

  test('whatever text is posted, this kit and both libraries agree on it', async () => {
    const verifier = createVerifier({ dialect: 'standard', secrets: secret });
    await fc.assert(fc.asyncProperty(fc.json({ stringUnit: 'binary' }), fc.boolean(), async (json, isTampered) => {
      const body = `{"id":"evt_1","type":"t","timestamp":"x","data":${json}}`;
      const headers = signed([current(secret)], body, new Date());
      const arrived = isTampered ? body.replace('"t"', '"u"') : body;
      const ours = await verifier({ headers, body: bytes(arrived) }).then(() => true, () => false);
      const theirs = [StandardWebhook, SvixWebhook].map((Webhook) => {
        try {
          // Both take the text of the body; one that is no well-formed text arrives as what UTF-8 makes of it.
          return Boolean(new Webhook(secret).verify(Buffer.from(arrived).toString(), headers));
        } catch {
          return false;
        }
      });
      expect([ours, ...theirs]).toEqual([!isTampered, !isTampered, !isTampered]);
    }), { numRuns: 60 });
  });

  test('while a secret is rotated the old one and the new one are both enough, on either side', async () => {
    const old = generateSecret('v1');
    const both = signed([current(secret), until(old)]);
    for (const secrets of [secret, old, [old, secret], [generateSecret('v1'), old]]) expect(await outcome(both, { secrets })).toMatchObject({ id: 'evt_1' });
    expect(await outcome(signed([current(secret)]), { secrets: [old, secret] })).toMatchObject({ id: 'evt_1' });
    expect(await outcome(both, { secrets: generateSecret('v1') })).toBe('signature');
  });

  test('an ed25519 signature is taken by its public key, also beside a shared secret', async () => {
    const pair = generateSecret('v1a');
    const headers = signed([current(pair), until(secret)]);
    for (const secrets of [publicKeyOf(pair), secret, [generateSecret('v1'), publicKeyOf(pair)]]) expect(await outcome(headers, { secrets })).toMatchObject({ id: 'evt_1' });
    expect(await outcome(headers, { secrets: publicKeyOf(generateSecret('v1a')) })).toBe('signature');
    expect(await outcome(headers, { secrets: publicKeyOf(pair) }, `${BODY} `)).toBe('signature');
  });

  test('a signature of one kind is never checked with a key of the other', async () => {
    const pair = generateSecret('v1a');
    const { 'webhook-signature': signature = '', ...headers } = signed([current(secret)]);
    const confused = { ...headers, 'webhook-signature': signature.replace('v1,', 'v1a,') };
    expect(await outcome(confused, { secrets: [secret, publicKeyOf(pair)] })).toBe('signature');
  });

  test('the timestamp may be away by the tolerance, in both directions, and no further', async () => {
    const at = (seconds: number) => signed([current(secret)], BODY, new Date(NOW.getTime() + seconds * 1000));
    for (const seconds of [-300, 300]) expect(await outcome(at(seconds), { secrets: secret })).toMatchObject({ id: 'evt_1' });
    for (const seconds of [-301, 301]) expect(await outcome(at(seconds), { secrets: secret })).toBe('timestamp');
    expect(await outcome(at(-10), { secrets: secret, toleranceSeconds: 5 })).toBe('timestamp');
    expect(await outcome(at(-900), { secrets: secret, toleranceSeconds: 1000 })).toMatchObject({ id: 'evt_1' });
  });

  test.each([
    ['no headers', () => ({}), 'unsigned'],
    ['no signature', ({ 'webhook-signature': _, ...rest }: Record<string, string>) => rest, 'unsigned'],
    ['a header twice', (headers: Record<string, string>) => ({ ...headers, 'Webhook-Id': 'evt_1' }), 'unsigned'],
    ['a header as a list', (headers: Record<string, string>) => ({ ...headers, 'webhook-id': ['evt_1'] }), 'unsigned'],
    ['another id', (headers: Record<string, string>) => ({ ...headers, 'webhook-id': 'evt_2' }), 'signature'],
    ['a time that is none', (headers: Record<string, string>) => ({ ...headers, 'webhook-timestamp': '1e9' }), 'timestamp'],
    ['an empty signature', (headers: Record<string, string>) => ({ ...headers, 'webhook-signature': 'v1,' }), 'signature'],
    ['a signature that is no base64', (headers: Record<string, string>) => ({ ...headers, 'webhook-signature': 'v1,%%%' }), 'signature'],
    ['half a signature', (headers: Record<string, string>) => ({ ...headers, 'webhook-signature': (headers['webhook-signature'] ?? '').slice(0, 20) }), 'signature'],
    ['more signatures than anybody has', (headers: Record<string, string>) => ({ ...headers, 'webhook-signature': `${'v1,AAAA '.repeat(20)}${headers['webhook-signature']}` }), 'signature'],
  ] as const)('%s: refused', async (_what, change, code) => {
    expect(await outcome((change as (headers: Record<string, string>) => Record<string, unknown>)(signed([current(secret)])), { secrets: secret })).toBe(code);
  });

  test('the names of headers may be in any case, or in a Headers object', async () => {
    const headers = signed([current(secret)]);
    const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    expect(await outcome(upper, { secrets: secret })).toMatchObject({ id: 'evt_1' });
    expect(await outcome(new Headers(headers) as unknown as Record<string, unknown>, { secrets: secret })).toMatchObject({ id: 'evt_1' });
  });
});

describe('X-Chakra-Signature-256', () => {
  const headersOf = (body: string, secret: string): Record<string, string> =>
    signatureHeaders('chakra-sha256', { id: '', timestamp: NOW, body: bytes(body), secrets: [current(secret)] });

  test.each(['chakra', 'chakra-inbound', 'meta'] as const)('%s: taken by each of the secrets, refused with another, with another body and without', async (dialect) => {
    const body = dialect === 'chakra-inbound' ? '{"event":"status","payload":{"id":"wamid.1","status":"read"}}' : '{"id":"evt_1","type":"t"}';
    const headers = headersOf(body, 'any string, even città');
    expect(await outcome(headers, { dialect, secrets: ['another', 'any string, even città'] }, body)).toMatchObject({ dialect, sentAt: null });
    expect(await outcome(headers, { dialect, secrets: 'another' }, body)).toBe('signature');
    expect(await outcome(headers, { dialect, secrets: 'any string, even città' }, `${body} `)).toBe('signature');
    expect(await outcome({}, { dialect, secrets: 'any string, even città' }, body)).toBe('unsigned');
    const upper = { 'x-chakra-signature-256': headers['X-Chakra-Signature-256']?.toUpperCase() };
    expect(await outcome(upper, { dialect, secrets: 'any string, even città' }, body)).toBe('signature');
  });

  test('what is done once: of a status also which one it is, of a pass-through its bytes', async () => {
    const idOf = async (dialect: Dialect, body: string): Promise<unknown> =>
      ((await outcome(headersOf(body, 's'), { dialect, secrets: 's' }, body)) as { id: string }).id;
    expect(await idOf('chakra', '{"id":"evt_1","type":"t"}')).toBe('evt_1');
    expect(await idOf('chakra-inbound', '{"event":"message","payload":{"id":"wamid.1"}}')).toBe('message:wamid.1');
    expect(await idOf('chakra-inbound', '{"event":"status","payload":{"id":"wamid.1","status":"read"}}')).toBe('status:wamid.1:read');
    const [first, second] = [await idOf('chakra-inbound', '{"event":"message","payload":{"n":1}}'), await idOf('chakra-inbound', '{"event":"message","payload":{"n":2}}')];
    expect(first).not.toBe(second);
    expect(await idOf('meta', '{}')).toMatch(/^[0-9a-f]{64}$/);
  });
});

test('chative: the verify token in the body is compared, and there is no other proof', async () => {
  const body = (infoWebhook: unknown): string => JSON.stringify({ _id: 'evt_1', event: 'record:update', items: [{ infoWebhook }] });
  const chative = { dialect: 'chative', verifyToken: ['old', 'a tokén'] };
  expect(await outcome({}, chative, body({ verifyToken: 'a tokén' }))).toMatchObject({ id: 'evt_1', sentAt: null });
  expect(await outcome({}, chative, body({ verifyToken: 'another' }))).toBe('signature');
  for (const strange of [{}, { verifyToken: 1 }, null]) expect(await outcome({}, chative, body(strange))).toBe('unsigned');
  for (const strange of ['null', '{}', '{"items":{}}', '{"items":[null]}', '[]']) expect(await outcome({}, chative, strange)).toBe('unsigned');
});

test('a signed body that is no JSON, or none of the dialect, is refused', async () => {
  const secret = generateSecret('v1');
  const refused = (dialect: Dialect, body: string): Promise<unknown> => outcome(signed([current(secret)], body), { dialect, secrets: secret }, body);
  expect(await refused('standard', '{"id"')).toBe('not_json');
  expect(await refused('standard', '\ufeff{}')).toBe('not_json');
  for (const body of ['null', '[]', '"text"', '{"id":"evt_1"}', '{"id":1,"type":"t","timestamp":"x"}']) expect(await refused('standard', body)).toBe('not_the_dialect');
  expect(await refused('flow', '{"id":"evt_1","type":"t"}')).toBe('not_the_dialect');
});

test('of an endpoint with an expression any JSON that is signed is taken, once by the id that is signed with it, else by its bytes', async () => {
  const secret = generateSecret('v1');
  const transformed = (dialect: Dialect, body: string): Promise<unknown> => {
    const isHex = dialect.startsWith('chakra');
    const headers = isHex ? signatureHeaders('chakra-sha256', { id: '', timestamp: NOW, body: bytes(body), secrets: [current('s')] }) : signed([current(secret)], body);
    // Whoever has a copy could add a header that is not signed.
    return outcome({ 'webhook-id': 'evt_of_nobody', ...headers }, { dialect, secrets: isHex ? 's' : secret, transformed: true }, body);
  };
  for (const [body, value] of [['{"text":"Lead"}', { text: 'Lead' }], ['[1]', [1]], ['"Lead"', 'Lead']] as const) {
    for (const dialect of ['standard', 'flow'] as const) expect(await transformed(dialect, body)).toMatchObject({ dialect, id: 'evt_1', body: value });
    for (const dialect of ['chakra', 'chakra-inbound'] as const) {
      expect(await transformed(dialect, body)).toMatchObject({ dialect, id: createHash('sha256').update(body).digest('hex'), body: value });
    }
  }
  expect(await transformed('standard', '{"text"')).toBe('not_json');
  expect(await outcome(signed([current(secret)], '{"text":"Lead"}'), { secrets: secret, transformed: true }, '{"text":"Lead "}')).toBe('signature');
  expect(await outcome(signed([current(secret)], '{"text":"Lead"}'), { secrets: secret }, '{"text":"Lead"}')).toBe('not_the_dialect');
});

test.each(['standard', 'chakra', 'chative'] as const)('%s: what a channel received, of any size that it takes, is taken where a rule passes it on', async (dialect) => {
  const secret = generateSecret('v1');
  const data = JSON.stringify({ text: 'x'.repeat(4 * 1024 * 1024 - 20) });
  const item = `{"infoWebhook":{"verifyToken":"v"},"data":${data}}`;
  const body = dialect === 'chative' ? `{"_id":"evt_1","event":"inbound.raw","items":[${item}]}` : `{"id":"evt_1","type":"inbound.raw","timestamp":"x","data":${data}}`;
  const headers = dialect === 'chakra' ? signatureHeaders('chakra-sha256', { id: '', timestamp: NOW, body: bytes(body), secrets: [current('s')] }) : signed([current(secret)], body);
  const options = { dialect, now: () => NOW, ...(dialect === 'chative' ? { verifyToken: 'v' } : { secrets: dialect === 'chakra' ? 's' : secret }) } as ReceiverOptions<Dialect>;
  const answer = await fetchReceiver(options, () => undefined)(new Request('https://example.com/', { method: 'POST', headers, body }));
  expect([answer.status, await answer.text()]).toEqual([200, '']);
});

test.each([
  [{ secrets: [] }, /secrets is needed/], [{ secrets: undefined }, /secrets is needed/], [{ secrets: 'whsec_' }, /whsec_ and base64/], [{ secrets: 'c4nary' }, /whsec_ and base64/],
  [{ secrets: generateSecret('v1a') }, /private key of the sender/], [{ secrets: 'whpk_AAAA' }, /32 bytes/], [{ dialect: 'chakra', secrets: '' }, /empty/],
  [{ dialect: 'chative', verifyToken: '' }, /empty/], [{ dialect: 'chative', secrets: 'x' }, /verifyToken is needed|empty/], [{ dialect: 'stripe', secrets: 'x' }, /"stripe"/],
  [{ secrets: generateSecret('v1'), toleranceSeconds: NaN }, /toleranceSeconds/],
  [{ dialect: 'spektr', secrets: generateSecret('v1'), transformed: true }, /transformed.*spektr/], [{ dialect: 'meta', secrets: 's', transformed: true }, /transformed.*meta/],
  [{ dialect: 'chative', verifyToken: 'x', transformed: true }, /transformed.*chative/],
])('options that could not protect anything are refused at once: %#', (options, message) => {
  const create = () => createVerifier({ dialect: 'standard', ...options } as unknown as ReceiverOptions<'standard'>);
  expect(create).toThrow(TypeError);
  expect(create).toThrow(message);
  expect(create).not.toThrow(/c4nary/);
});
