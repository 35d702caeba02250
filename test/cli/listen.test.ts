import { connect } from 'node:net';
import { once } from 'node:events';
import { Webhook } from 'standardwebhooks';
import { run, start, type Started } from './run-cli';

const SECRET = 'whsec_cG9zdGhvcm4gcXVpY2tzdGFydCBzZWNyZXQh';

let receiver: Started | null = null;
afterEach(async () => {
  receiver?.stop();
  await receiver?.ended;
  receiver = null;
});

async function listen(...options: string[]): Promise<{ url: string; printed: () => string }> {
  const started = start(['listen', '--port', '0', ...options]);
  receiver = started;
  const { port } = await started.ready;
  return { url: `http://127.0.0.1:${String(port)}`, printed: () => started.out.join('\n') };
}

const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<number> =>
  fetch(url, { method: 'POST', body, headers }).then(({ status }) => status);

const signed = (body: string, at = new Date()): Record<string, string> => ({
  'webhook-id': 'evt_1', 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)), 'webhook-signature': new Webhook(SECRET).sign('evt_1', at, body),
});

test('each request is one line and its JSON', async () => {
  const { url, printed } = await listen();
  expect(await post(`${url}/hook?x=1`, '{"a":{"b":1}}', { 'webhook-id': 'evt_1' })).toBe(200);
  expect(printed()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}POST \/hook\?x=1 -> 200 {2}evt_1 {2}13 bytes\n\{\n {2}"a": \{\n {4}"b": 1\n {2}\}\n\}$/);
});

test('a right signature is told, a wrong one is answered with 401', async () => {
  const { url, printed } = await listen('--secret', SECRET);
  expect(await post(url, '{}', signed('{}'))).toBe(200);
  expect(await post(url, '{} ', signed('{}'))).toBe(401);
  expect(await post(url, '{}')).toBe(401);
  expect(printed().match(/signature ok/g)).toHaveLength(1);
  expect(printed().match(/SIGNATURE WRONG: /g)).toHaveLength(2);
});

test('the first N fail with 503, then it answers as told', async () => {
  const { url } = await listen('--fail', '2', '--status', '204');
  const statuses = [await post(url, '{}'), await post(url, '{}'), await post(url, '{}')];
  expect(statuses).toEqual([503, 503, 204]);
});

test('a body that is no JSON is shown without what would drive the terminal', async () => {
  const { url, printed } = await listen();
  await post(url, 'bell \u0007 and \u001b[31mred');
  expect(printed()).toContain('bell \ufffd and \ufffd[31mred');
});

test('a request that breaks off does not end it', async () => {
  const { url } = await listen();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
  await once(socket, 'connect');
  socket.resetAndDestroy();
  expect(await post(url, '{}')).toBe(200);
});

test('it stops while connections are open', async () => {
  const { url } = await listen();
  await post(url, '{}');
  receiver?.stop();
  expect(await receiver?.ended).toMatchObject({ code: 0 });
});

test('a port that is taken is told', async () => {
  const { url } = await listen();
  const { code, err } = await run(['listen', '--port', new URL(url).port]);
  expect(code).toBe(1);
  expect(err[0]).toMatch(/EADDRINUSE/);
});
