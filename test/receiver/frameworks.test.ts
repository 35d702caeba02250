import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer, request as sendTo, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import express from 'express';
import Koa from 'koa';
import { type Dialect, expressReceiver, fetchReceiver, type Handle, koaReceiver, type Received, type ReceiverOptions } from '../../src/receiver';
import { type Service, startService } from '../support/service';
import { makeTls, type TestTls } from '../support/tls';
import { until } from '../support/wait';
import { hubSignature, SAMPLE_MESSAGE } from '../support/whatsapp';

/** How a framework serves one receiver, and the errors that reach it. */
const FRAMEWORKS: Readonly<Record<string, (options: ReceiverOptions<Dialect>, handle: Handle<Dialect>) => RequestListener>> = {
  koa(options, handle) {
    const app = new Koa();
    app.silent = true;
    app.use(koaReceiver(options, handle));
    const listen = app.callback();
    return (request, response) => void listen(request, response);
  },
  express(options, handle) {
    const app = express();
    app.set('env', 'test');
    app.post('/*path', expressReceiver(options, handle));
    return (request, response) => void app(request, response);
  },
  fetch(options, handle) {
    const receive = fetchReceiver(options, handle);
    return (request, response) => void receive(toRequest(request)).then(
      async (answer) => response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text()),
      () => response.writeHead(500).end(),
    );
  },
};

const toRequest = (request: IncomingMessage): Request => new Request(`https://${request.headers.host}${request.url}`, {
  method: request.method ?? 'GET', headers: Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]),
  ...(request.method === 'POST' && { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' }),
});

let tls: TestTls;
let service: Service;
let server: Server;
let url: string;
const listeners = new Map<string, RequestListener>();

beforeAll(async () => {
  tls = makeTls();
  server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => listeners.get(request.url ?? '')?.(request, response));
  server.listen(0, '127.0.0.1');
  [service] = await Promise.all([startService({ env: { NODE_EXTRA_CA_CERTS: tls.caFile } }), once(server, 'listening')]);
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await service?.stop();
  server.closeAllConnections();
  server.close();
  tls.remove();
});

const SECRET = 'any string, even città';
const TOKEN = 'only we know';

/** Makes an endpoint of the dialect and the receiver behind it; what that was handed over is kept. */
async function connect(framework: string, dialect: Dialect, more: object = {}): Promise<{ id: string; received: Received[] }> {
  const path = `/${framework}/${dialect}`;
  const signsHex = ['chakra', 'chakra-inbound', 'meta'].includes(dialect);
  const { id, secret } = await service.endpoint(url + path, {
    dialect, ...(signsHex ? { secret: SECRET } : dialect === 'chative' && { verifyToken: TOKEN }), ...more,
  });
  const received: Received[] = [];
  const options = { dialect, ...(dialect === 'chative' ? { verifyToken: TOKEN } : { secrets: signsHex ? SECRET : secret }) } as ReceiverOptions<Dialect>;
  listeners.set(path, FRAMEWORKS[framework]!(options, (one) => void received.push(one)));
  return { id, received };
}

describe.each(Object.keys(FRAMEWORKS))('%s', (framework) => {
  test('takes real deliveries of every dialect, and hands over what they tell', async () => {
    const events = { events: ['*'] };
    const [standard, chakra, chative, spektr, flow, friendly, whole] = await Promise.all([
      connect(framework, 'standard', events), connect(framework, 'chakra', events), connect(framework, 'chative', events),
      connect(framework, 'spektr', events), connect(framework, 'flow', events), connect(framework, 'chakra-inbound'), connect(framework, 'meta'),
    ]);
    const channel = await service.ok('POST', '/v1/channels', {
      kind: 'whatsapp', verifyToken: 'v', appSecret: 'app', passThroughEndpointId: whole.id, friendlyEndpointId: friendly.id,
    });
    const record = await service.ok('POST', '/v1/records', { type: 'customer', attributes: { città: 'Graz ☃', 2: 1.5 } });
    const run = await service.ok('POST', '/v1/processes', { type: 'run', recordId: record.id });
    const session = await service.ok('POST', '/v1/processes', { type: 'flow', recordId: record.id });
    await service.call('POST', `/inbound/${channel.id}`, SAMPLE_MESSAGE, { authorization: null, 'x-hub-signature-256': hubSignature(SAMPLE_MESSAGE, 'app') });
    const told = <T extends object>(name: string, { received }: { received: Received[] }, which: (one: Received) => boolean): Promise<T> =>
      until(() => received.find(which) as T | undefined, { what: `${name} to be told` });

    const created = (one: Received): boolean => (one.body as { type?: string }).type === 'record:create';
    expect(await told('standard', standard, created)).toMatchObject({
      dialect: 'standard', id: expect.stringMatching(/^evt_/), sentAt: expect.any(Date), body: { data: { object: { id: record.id, attributes: { città: 'Graz ☃', 2: 1.5 } } } },
    });
    expect(await told('chakra', chakra, created)).toMatchObject({ sentAt: null, body: { object: { id: record.id } } });
    expect(await told('chative', chative, ({ body }) => (body as { event?: string }).event === 'record:create')).toMatchObject({ body: { items: [{ _id: record.id }] } });
    expect(await told('spektr', spektr, () => true)).toMatchObject({ body: { type: 'process_run_start', spektrId: record.id, data: { contextId: run.id } } });
    expect(await told('flow', flow, () => true)).toMatchObject({ body: { event: 'flow.start', session_id: session.id } });
    expect(await told('chakra-inbound', friendly, () => true)).toMatchObject({ id: expect.stringMatching(/^message:wamid\./), body: { event: 'message' } });
    const { raw } = await told<{ raw: Uint8Array }>('meta', whole, () => true);
    expect(Buffer.from(raw).toString()).toBe(SAMPLE_MESSAGE);
    await Promise.all([standard, chakra, chative, spektr, flow, friendly, whole].map(({ id }) => service.ok('DELETE', `/v1/endpoints/${id}`)));
  });

  const post = async (path: string, options: Partial<ReceiverOptions<'chative'>>, body: string, handle: Handle<Dialect> = () => undefined) => {
    listeners.set(path, FRAMEWORKS[framework]!({ dialect: 'chative', verifyToken: TOKEN, ...options } as ReceiverOptions<Dialect>, handle));
    const sent = sendTo(url + path, { method: 'POST', ca: [readFileSync(tls.caFile)] });
    // In two parts and without a length.
    sent.write(body.slice(0, 1));
    sent.end(body.slice(1));
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: answer.statusCode, headers: answer.headers, text: (await answer.toArray()).join('') };
  };
  const body = (token: string): string => JSON.stringify({ _id: 'evt_1', event: 'e', items: [{ infoWebhook: { verifyToken: token } }] });

  test('answers 401, 400 and 413 with the reason, and hands nothing over', async () => {
    const handled: unknown[] = [];
    const refused: string[] = [];
    const options = { maxBodyBytes: 200, onRefused: ({ code }: { code: string }) => void refused.push(code) };
    const answers = [];
    for (const sent of [body('another'), '{"', body('x'.repeat(200))]) answers.push(await post(`/${framework}/refused`, options, sent, (one) => void handled.push(one)));
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [401, 'the verify token is another one'], [400, 'the body is not JSON in UTF-8'], [413, 'the body has more than 200 bytes'],
    ]);
    expect(answers[0]?.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect([handled, refused]).toEqual([[], ['signature', 'not_json', 'too_large']]);
  });

  test('answers 200 with nothing, or what it is told to answer, and 500 where its function fails', async () => {
    expect(await post(`/${framework}/ok`, {}, body(TOKEN))).toMatchObject({ status: 200, text: '' });
    const gone = await post(`/${framework}/gone`, {}, body(TOKEN), () => ({ status: 410, headers: { 'webhook-delivery': 'disable' }, body: 'moved' }));
    expect(gone).toMatchObject({ status: 410, text: 'moved', headers: { 'webhook-delivery': 'disable' } });
    const failed = await post(`/${framework}/failed`, {}, body(TOKEN), () => Promise.reject(new Error('c4nary')));
    expect(failed.status).toBe(500);
  });
});

test('a body that a parser has read and not kept is the application’s mistake, and one that it kept is taken', async () => {
  const options = { dialect: 'chative', verifyToken: TOKEN } as const;
  const handled: string[] = [];
  const app = express();
  const errors: unknown[] = [];
  app.use('/parsed', express.json(), expressReceiver(options, ({ id }) => void handled.push(id)));
  app.use('/kept', express.raw({ type: '*/*' }), expressReceiver(options, ({ id }) => void handled.push(id)));
  app.use((error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    errors.push(error);
    response.status(500).end();
  });
  const plain = app.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const at = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
  const body = JSON.stringify({ _id: 'evt_1', event: 'e', items: [{ infoWebhook: { verifyToken: TOKEN } }] });
  const statuses = [];
  for (const path of ['/parsed', '/kept']) {
    statuses.push((await fetch(at + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status);
  }
  plain.closeAllConnections();
  plain.close();
  expect(statuses).toEqual([500, 200]);
  expect(handled).toEqual(['evt_1']);
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('before the body parser') })]);
});

test('only POST is taken by the one that is not behind a router', async () => {
  const answer = await fetchReceiver({ dialect: 'chative', verifyToken: TOKEN }, () => undefined)(new Request('https://example.com/'));
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
});
