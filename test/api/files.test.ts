import { randomBytes } from 'node:crypto';
import { createKeyRing } from '../../src/seal';
import { createFileLinker } from '../../src/wire/file-link';
import { startApi, type TestApi } from '../support/api';

const KEYS = [`new:${randomBytes(32).toString('base64')}`, `old:${randomBytes(32).toString('base64')}`];
const linkerOf = (keys: readonly string[]) =>
  createFileLinker({ keyRing: createKeyRing(keys), config: { PUBLIC_URL: 'https://hooks.example/base/', HOST: '127.0.0.1', PORT: 3000 } });
const inAnHour = (): Date => new Date(Date.now() + 3_600_000);

let api: TestApi;
let owner: Awaited<ReturnType<TestApi['tenant']>>;
beforeAll(async () => {
  api = await startApi({ POSTHORN_ENCRYPTION_KEYS: KEYS.join(',') });
  owner = await api.tenant();
});
afterAll(() => api.close());

const keep = (content: Uint8Array, query = '', headers: Record<string, string> = {}) =>
  api.call('POST', `/v1/files${query}`, content, { 'content-type': 'application/pdf', ...owner.headers, ...headers });
const open = (link: string) => {
  const { pathname, search } = new URL(link.replace('/base', ''));
  return api.call('GET', pathname + search, undefined, { authorization: null });
};

it('a link begins with PUBLIC_URL and opens its file, whichever key of the ring signed it', async () => {
  const { body: { id } } = await keep(Buffer.from('hello'), '?name=a%20b.txt', { 'content-type': 'text/plain; charset=utf-8' });
  for (const keys of [KEYS, [...KEYS].reverse()]) {
    const link = linkerOf(keys)({ workspaceId: owner.workspaceId, fileId: id }, inAnHour());
    expect(link).toMatch(/^https:\/\/hooks\.example\/base\/files\/fil_/);
    const reply = await open(link);
    expect([reply.status, reply.text, reply.headers.get('content-type'), reply.headers.get('content-disposition')])
      .toEqual([200, 'hello', 'text/plain; charset=utf-8', "attachment; filename*=UTF-8''a%20b.txt"]);
    expect([reply.headers.get('x-content-type-options'), reply.headers.get('content-security-policy')]).toEqual(['nosniff', 'sandbox']);
  }
});

it('a link that is over answers 410, and one that is not ours 403, also one to a stranger\'s file', async () => {
  const { body: { id: fileId } } = await keep(Buffer.from('mine'));
  const stranger = await api.tenant();
  const linkTo = linkerOf(KEYS);
  const own = { workspaceId: owner.workspaceId, fileId };
  expect(await open(linkTo(own, new Date(Date.now() - 2_000)))).toMatchObject({ status: 410, body: { code: 'link_expired' } });
  for (const link of [
    linkTo({ ...own, workspaceId: stranger.workspaceId }, inAnHour()),
    linkTo({ ...own, fileId: 'fil_01jc3f7x9k2m4n6p8q0r2s4t6v' }, inAnHour()),
    linkerOf([`new:${randomBytes(32).toString('base64')}`])(own, inAnHour()),
    linkTo(own, inAnHour()).replace(/signature=.*/, 'signature=new.'),
    linkTo(own, inAnHour()).replace(/expires=\d/, 'expires=9'),
  ]) expect(await open(link)).toMatchObject({ status: 403, body: { code: 'bad_link' } });
});

it('a file has 1 byte to 10 MiB, a media type and a name without slashes', async () => {
  expect((await keep(Buffer.alloc(10 * 1024 * 1024))).body).toMatchObject({ name: null, size: 10_485_760 });
  expect((await keep(Buffer.alloc(10 * 1024 * 1024 + 1))).status).toBe(413);
  expect((await keep(Buffer.alloc(0))).status).toBe(422);
  expect((await keep(Buffer.from('x'), '', { 'content-type': 'nonsense' })).status).toBe(422);
  for (const name of ['../x', 'a\\b', 'a\nb', 'a\u0085b', '']) expect((await keep(Buffer.from('x'), `?name=${encodeURIComponent(name)}`)).status).toBe(422);
  // The document says what is allowed in characters: also those that JavaScript writes in two halves.
  const name = '\u{1f4e6} \u{6aae5}<Ä>.pdf';
  const { body } = await keep(Buffer.from('x'), `?name=${encodeURIComponent(name)}`);
  expect(body.name).toBe(name);
});

it('the same Idempotency-Key keeps one file, and refuses other bytes', async () => {
  const headers = { 'idempotency-key': 'once' };
  const [first, again] = [await keep(Buffer.from('a'), '', headers), await keep(Buffer.from('a'), '', headers)];
  expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id]);
  expect((await keep(Buffer.from('b'), '', headers)).body.code).toBe('idempotency_mismatch');
});
