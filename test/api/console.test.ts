import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startApi, type TestApi } from '../support/api';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());
const get = (path: string, headers: Record<string, string> = {}) => api.call('GET', path, undefined, { authorization: null, ...headers });

it('is built before its tests are run', () => {
  expect(existsSync(join(__dirname, '..', '..', 'dist', 'console', 'console.js'))).toBe(true);
});

it.each([
  ['/console', 'text/html; charset=utf-8'], ['/console/', 'text/html; charset=utf-8'], ['/console/console.js', 'text/javascript; charset=utf-8'],
  ['/console/console.css', 'text/css; charset=utf-8'], ['/console/icon.svg', 'image/svg+xml'],
])('serves %s to whoever asks, under a policy that lets nothing else in', async (path, type) => {
  const reply = await get(path);
  expect([reply.status, reply.headers.get('content-type'), reply.headers.get('x-content-type-options')]).toEqual([200, type, 'nosniff']);
  expect(reply.headers.get('content-security-policy')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  );
  const again = await get(path, { 'if-none-match': reply.headers.get('etag') ?? '', 'cache-control': 'max-age=0' });
  expect([again.status, again.text.length]).toEqual([304, 0]);
});

it('has no script or style within the page', async () => {
  const { text } = await get('/console');
  expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i);
});

it('is nothing else: no other file, no other method', async () => {
  for (const path of ['/console/main.tsx', '/console/..%2f..%2fpackage.json', '/console/../../package.json', '/consoles']) expect([path, (await get(path)).status]).toEqual([path, 404]);
  expect((await api.call('POST', '/console', {})).status).toBe(405);
  expect((await api.call('HEAD', '/console')).text).toBe('');
});
