import { request } from 'node:http';
import { startApi, type TestApi } from '../support/api';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

const post = (raw: string | Uint8Array, headers: Record<string, string | null> = {}) => api.call('POST', '/v1/records', raw, headers);
const record = (attributes: string): string => `{"type":"t","attributes":${attributes}}`;

describe('a body that can not be read', () => {
  it.each([
    ['cut off', '{"type":'], ['two texts', '{} {}'], ['a bare word', 'nope'], ['a byte order mark', '\ufeff{"type":"t"}'], ['a raw control character', record('{"a":"\u0001"}')],
  ])('is refused: %s', async (_what, raw) => {
    const reply = await post(raw);
    expect(reply).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
  });

  it('is refused where it is no UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('{"type":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    expect(await post(bytes)).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
    expect((await post(Buffer.from('{"type":"\xed\xa0\x80"}', 'latin1'))).status).toBe(400);
  });

  it('is refused as another media type, or encoded', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'application/jsonp']) {
      expect(await post('{"type":"t"}', { 'content-type': type })).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    }
    expect((await post('{"type":"t"}', { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await post('{"type":"t"}', { 'content-type': 'application/json; charset=UTF-8' })).status).toBe(201);
  });

  it('is refused over its limit, whether it says its length or not, with the limit in the detail', async () => {
    const long = record(`{"a":"${'x'.repeat(400_000)}"}`);
    const told = await post(long);
    expect(told).toMatchObject({ status: 413, body: { code: 'too_large', detail: expect.stringContaining(String(320 * 1024)) as string } });
    expect(await chunked('/v1/records', long)).toBe(413);
  });
});

describe('JSON that can not be kept is refused, and where it stands is told', () => {
  it.each([
    ['a number beyond the doubles', '{"a":[1,1e400]}', 'attributes.a.1'],
    ['U+0000 in a text', '{"a":"\\u0000"}', 'attributes.a'],
    ['U+0000 in a key', '{"\\u0000":1}', 'attributes'],
    ['half a surrogate pair', '{"a":"\\ud800"}', 'attributes.a'],
    ['the other half', '{"a":"x\\udc00"}', 'attributes.a'],
    ['a key __proto__', '{"a":{"__proto__":{"polluted":1}}}', 'attributes.a.__proto__'],
    ['a key __proto__, escaped', '{"\\u005f_proto__":1}', 'attributes.__proto__'],
  ])('%s', async (_what, attributes, path) => {
    expect(await post(record(attributes))).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path }] } });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('nesting deeper than 64, counted from the body itself', async () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect((await post(record(`{"a":${nested(62)}}`))).status).toBe(201);
    expect((await post(record(`{"a":${nested(63)}}`))).status).toBe(422);
    expect((await post(record(`{"a":${nested(100_000)}}`))).status).toBe(422);
  });
});

it('of a key that stands twice the last value counts, and whole pairs, other keys and great numbers are kept', async () => {
  const reply = await post(record('{"a":1,"a":2,"constructor":{"prototype":1},"smile":"\\ud83d\\ude00","big":1e308,"toString":"x"}'));
  expect(reply.status).toBe(201);
  expect(reply.body.attributes).toEqual(JSON.parse('{"a":2,"constructor":{"prototype":1},"smile":"😀","big":1e308,"toString":"x"}'));
});

it('every mistake of a body is told with its path and what is allowed', async () => {
  const reply = await api.call('POST', '/v1/processes', { type: '', status: 'DONE', attributes: [], recordId: 'prc_x', colour: 'red', workspaceId: 'wsp_x' });
  expect(reply.status).toBe(422);
  const told = Object.fromEntries(reply.body.errors.map(({ path, message }: Record<string, string>) => [path, message])) as Record<string, string>;
  expect(Object.keys(told).sort()).toEqual(['attributes', 'colour', 'recordId', 'status', 'type', 'workspaceId']);
  expect(told['status']).toContain('OPEN, COMPLETED, CANCELLED');
  expect(told['colour']).toContain('known are type, primaryKey, attributes');
});

it('a call that takes a body names what is missing, and one that takes none refuses one', async () => {
  expect(await api.call('POST', '/v1/records')).toMatchObject({ status: 422 });
  const { headers } = await api.tenant();
  const key = await api.call('POST', '/v1/api-keys', { name: 'k', role: 'read' }, headers);
  expect((await api.call('DELETE', `/v1/api-keys/${key.body.id}`, { now: true }, headers)).status).toBe(422);
  expect((await api.call('DELETE', `/v1/api-keys/${key.body.id}`, {}, headers)).status).toBe(204);
});

/** Sends a body without a content-length; the answer's status. */
function chunked(path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${api.url}${path}`, {
      method: 'POST', headers: { authorization: `Bearer ${api.rootKey}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    for (let at = 0; at < body.length; at += 10_000) sent.write(body.slice(at, at + 10_000));
    sent.end();
  });
}
