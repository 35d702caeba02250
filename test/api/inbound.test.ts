import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { startApi, type TestApi } from '../support/api';
import { change, hubSignature, message, notification, SAMPLE_MESSAGE } from '../support/whatsapp';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const NOBODY = { authorization: null };
const makeChannel = async (body: object = {}, headers: Record<string, string> = {}): Promise<string> =>
  (await api.call('POST', '/v1/channels', { kind: 'whatsapp', verifyToken: 'let me in', ...body }, headers)).body.id;
const post = (channelId: string, body: string | Uint8Array, headers: Record<string, string | null> = {}) =>
  api.call('POST', `/inbound/${channelId}`, body, { ...NOBODY, ...headers });

interface Stored { id: string; workspace_id: string; type: string; external_id: string; data: string; received_signature: string | null }
const storedOf = (channelId: string): Promise<Stored[]> => api.db.query<Stored>({
  text: 'select id, workspace_id, type, external_id, data, received_signature from events where channel_id = $1 order by id', values: [channelId],
});
const typesOf = async (channelId: string): Promise<string[]> => (await storedOf(channelId)).map(({ type }) => type);

describe('the challenge', () => {
  const ask = (channelId: string, query: Record<string, string>) =>
    api.call('GET', `/inbound/${channelId}?${new URLSearchParams(query).toString()}`, undefined, NOBODY);
  const right = { 'hub.mode': 'subscribe', 'hub.verify_token': 'let me in', 'hub.challenge': '1158201444' };

  it('is answered as plain text to who knows the verify token', async () => {
    const reply = await ask(await makeChannel(), right);
    expect([reply.status, reply.text, reply.headers.get('content-type')]).toEqual([200, '1158201444', 'text/plain; charset=utf-8']);
  });

  it('is never read as a page', async () => {
    const reply = await ask(await makeChannel(), { ...right, 'hub.challenge': '<script>alert(1)</script>' });
    expect([reply.headers.get('content-type'), reply.headers.get('x-content-type-options')]).toEqual(['text/plain; charset=utf-8', 'nosniff']);
  });

  it('is refused with another token, with 403, whatever its length', async () => {
    const channelId = await makeChannel();
    for (const token of ['', 'let me i', 'let me in ', 'Let me in', 'x'.repeat(500)]) {
      expect(await ask(channelId, { ...right, 'hub.verify_token': token })).toMatchObject({ status: 403, body: { code: 'wrong_verify_token' } });
    }
  });

  it.each([['hub.mode', 'unsubscribe'], ['hub.mode', undefined], ['hub.verify_token', undefined], ['hub.challenge', undefined]])(
    'is refused where %s is %s', async (name, value) => {
      const query = Object.fromEntries(Object.entries({ ...right, [name]: value }).filter(([, given]) => given !== undefined)) as Record<string, string>;
      expect(await ask(await makeChannel(), query)).toMatchObject({ status: 422, body: { errors: [{ path: name }] } });
    });

  it('and the requests are 404 for a channel that there is not', async () => {
    for (const id of ['chn_01jc3f7x9k2m4n6p8q0r2s4t6v', 'nonsense']) {
      expect((await ask(id, right)).status).toBe(404);
      expect((await post(id, SAMPLE_MESSAGE)).status).toBe(404);
    }
  });
});

describe('a signature', () => {
  const SECRET = 'the app secret';
  let channelId: string;
  beforeAll(async () => {
    channelId = await makeChannel({ appSecret: SECRET });
  });
  const fits = hubSignature(SAMPLE_MESSAGE, SECRET);

  it.each<[string, string | null]>([
    ['none', null], ['an empty one', ''], ['one by another secret', hubSignature(SAMPLE_MESSAGE, 'another')],
    ['one of another body', hubSignature(`${SAMPLE_MESSAGE} `, SECRET)], ['one without its prefix', fits.slice('sha256='.length)],
    ['one of SHA-1', `sha1=${createHmac('sha1', SECRET).update(SAMPLE_MESSAGE).digest('hex')}`], ['half of one', fits.slice(0, -32)],
    ['one that goes on', `${fits}00`], ['one with a space', `${fits.slice(0, -1)} `], ['one that is not hex', `sha256=${'z'.repeat(64)}`],
    ['one in base64', `sha256=${createHmac('sha256', SECRET).update(SAMPLE_MESSAGE).digest('base64')}`],
    ['two', `${fits}, ${fits}`],
  ])('is refused where it is %s', async (_what, signature) => {
    const reply = await post(channelId, SAMPLE_MESSAGE, { 'x-hub-signature-256': signature });
    expect([reply.status, reply.body.code]).toEqual([401, 'signature_mismatch']);
    expect(await storedOf(channelId)).toEqual([]);
  });

  it('is refused over the text of other bytes, and for bytes that are no text', async () => {
    const escaped = SAMPLE_MESSAGE.replace('John', '\\u004aohn');
    expect((await post(channelId, escaped, { 'x-hub-signature-256': fits })).status).toBe(401);
    expect((await post(channelId, new Uint8Array([0xff, 0xfe]), { 'x-hub-signature-256': hubSignature('\uFFFD\uFFFD', SECRET) })).status).toBe(401);
  });

  it('is taken over the raw bytes, as Node and Python make it, in either case of hex, and kept', async () => {
    const body = message('wamid.signed', 'città ☃ \u0001').replace('città', 'citt\\u00e0');
    const python = `import hashlib, hmac, sys\nprint("sha256=" + hmac.new(b"${SECRET}", sys.stdin.buffer.read(), hashlib.sha256).hexdigest())`;
    const byPython = execFileSync('python3', ['-c', python], { input: body, encoding: 'utf8' }).trim();
    expect(byPython).toBe(hubSignature(body, SECRET));
    const upper = `sha256=${byPython.slice(7).toUpperCase()}`;
    expect((await post(channelId, body, { 'x-hub-signature-256': byPython })).status).toBe(200);
    expect((await post(channelId, body, { 'x-hub-signature-256': upper })).status).toBe(200);
    expect((await storedOf(channelId)).map(({ type, received_signature: kept }) => [type, kept])).toEqual([['inbound.raw', byPython], ['inbound.message', null]]);
  });

  it('is not asked for where the channel has no app secret, but kept where there is one', async () => {
    const open = await makeChannel();
    expect((await post(open, message('1'), { 'x-hub-signature-256': 'sha256=whatever' })).status).toBe(200);
    expect((await post(open, message('2'))).status).toBe(200);
    expect((await storedOf(open)).filter(({ type }) => type === 'inbound.raw').map(({ received_signature: kept }) => kept)).toEqual(['sha256=whatever', null]);
  });
});

describe('what a channel receives', () => {
  it('is stored as one event of all and one of each item, when it is answered, with an empty answer', async () => {
    const channelId = await makeChannel();
    const reply = await post(channelId, SAMPLE_MESSAGE);
    expect([reply.status, reply.text]).toEqual([200, '']);
    const [raw, friendly] = await storedOf(channelId);
    expect(raw).toMatchObject({
      type: 'inbound.raw', data: SAMPLE_MESSAGE, external_id: `${channelId}:raw:${createHash('sha256').update(SAMPLE_MESSAGE).digest('hex')}`,
    });
    expect(friendly).toMatchObject({
      type: 'inbound.message', external_id: `${channelId}:message:wamid.HBgMOTEST3AxMjU4NDMzFQIAEhgUM0VCMDM3RjlEQTNDQTBEMjQ2Q275`,
    });
    const told = await api.db.query<{ event_id: string }>({ text: `select event_id from outbox where event_id = any($1) order by id`, values: [[raw?.id, friendly?.id]] });
    expect(told.map(({ event_id: id }) => id)).toEqual([raw?.id, friendly?.id]);
    const shown = await api.call('GET', `/v1/events/${raw?.id}`);
    expect(shown.status).toBe(200);
    expect(shown.text).toContain(`"data":${SAMPLE_MESSAGE},"actor":null`);
    expect((await api.call('GET', '/v1/events?type=inbound.message')).body.data[0]).toMatchObject({ id: friendly?.id, data: { event: 'message' } });
  });

  it('is kept to the byte, whatever JSON it is', async () => {
    const channelId = await makeChannel();
    const space = fc.constantFrom('', ' ', '\n', '\t\r\n ');
    const bodies = fc.tuple(space, fc.json({ stringUnit: 'binary' }), space).map((parts) => parts.join(''));
    const odd = ['{"b":1,"a":2,"2":3,"1":4}', '{"a":1,"a":2}', '{"n":1.0,"m":1e400,"k":12345678901234567890}', '"\\u0000\\ud800\\/"', '{"__proto__":1}',
      '{"a":"\\u00e9"}', '{"a":"é"}', `${'['.repeat(2_000)}${']'.repeat(2_000)}`, '5', 'null'];
    for (const body of odd) {
      expect([body, (await post(channelId, body)).status]).toEqual([body, 200]);
      expect((await storedOf(channelId)).at(-1)?.data).toBe(body);
    }
    await fc.assert(fc.asyncProperty(bodies, async (body) => {
      const bytes = Buffer.from(body);
      expect((await post(channelId, bytes)).status).toBe(200);
      const key = `${channelId}:raw:${createHash('sha256').update(bytes).digest('hex')}`;
      const [row] = await api.db.query<{ data: string }>({ text: 'select data from events where external_id = $1', values: [key] });
      expect(Buffer.from(row?.data ?? '').equals(bytes)).toBe(true);
    }), { numRuns: 60 });
  }, 60_000);

  it('is taken once, however often and however much at once it comes', async () => {
    const channelId = await makeChannel();
    const statuses = await Promise.all(Array.from({ length: 8 }, () => post(channelId, message('wamid.once')).then(({ status }) => status)));
    expect([...statuses, (await post(channelId, message('wamid.once'))).status]).toEqual(Array(9).fill(200));
    expect(await typesOf(channelId)).toEqual(['inbound.raw', 'inbound.message']);
  });

  it('is taken apart once where an item comes again among others', async () => {
    const channelId = await makeChannel();
    const statuses = (...items: string[]): string => notification(change('messages', { statuses: `[${items.join(',')}]` }));
    const [sent, read] = ['{"id":"w1","status":"sent"}', '{"id":"w1","status":"read"}'];
    await post(channelId, statuses(sent, sent));
    await post(channelId, statuses(sent, read));
    expect(await typesOf(channelId)).toEqual(['inbound.raw', 'inbound.status', 'inbound.raw', 'inbound.status']);
  });

  it('is taken again by another channel', async () => {
    const [one, other] = [await makeChannel(), await makeChannel()];
    await post(one, SAMPLE_MESSAGE);
    await post(other, SAMPLE_MESSAGE);
    expect([await typesOf(one), await typesOf(other)]).toEqual([['inbound.raw', 'inbound.message'], ['inbound.raw', 'inbound.message']]);
  });

  it("belongs to the channel's workspace alone", async () => {
    const [owner, stranger] = [await api.tenant(), await api.tenant()];
    const channelId = await makeChannel({}, owner.headers);
    await post(channelId, SAMPLE_MESSAGE);
    expect((await storedOf(channelId)).map((row) => row.workspace_id)).toEqual([owner.workspaceId, owner.workspaceId]);
    expect((await api.call('GET', '/v1/events', undefined, owner.headers)).body.data).toHaveLength(2);
    expect((await api.call('GET', '/v1/events', undefined, stranger.headers)).body.data).toEqual([]);
  });

  it('can hold many entries', async () => {
    const channelId = await makeChannel();
    const entries = Array.from({ length: 300 }, (_, n) => JSON.parse(message(`wamid.${n}`)).entry[0] as object);
    expect((await post(channelId, JSON.stringify({ object: 'whatsapp_business_account', entry: entries }))).status).toBe(200);
    const types = await typesOf(channelId);
    expect([types.length, types.filter((type) => type === 'inbound.message').length]).toEqual([301, 300]);
  });

  it.each([
    ['no JSON', '{"entry":', 400], ['nothing', '', 400], ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 400], ['a byte order mark', '\uFEFF{}', 400],
  ])('is refused where it is %s', async (_what, body, status) => {
    const channelId = await makeChannel();
    expect(await post(channelId, body)).toMatchObject({ status, body: { code: 'malformed_json' } });
    expect(await storedOf(channelId)).toEqual([]);
  });

  it('may have 4 MiB, and any media type', async () => {
    const channelId = await makeChannel({ appSecret: 's' });
    const largest = `"${'x'.repeat(4 * 1024 * 1024 - 2)}"`;
    const send = (body: string) => post(channelId, body, { 'x-hub-signature-256': hubSignature(body, 's'), 'content-type': 'text/plain' });
    expect((await send(largest)).status).toBe(200);
    expect((await storedOf(channelId))[0]?.data === largest).toBe(true);
    expect(await send(`${largest} `)).toMatchObject({ status: 413, body: { code: 'too_large' } });
    expect(await storedOf(channelId)).toHaveLength(1);
  });

  it('can not be posted as an event', async () => {
    for (const type of ['inbound.raw', 'inbound.message']) {
      expect(await api.call('POST', '/v1/events', { type, data: {} })).toMatchObject({ status: 422, body: { errors: [{ path: 'type' }] } });
    }
  });
});
