import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import Koa from 'koa';
import { Pool, type PoolClient } from 'pg';
import { Webhook } from 'standardwebhooks';
import ts from 'typescript';
import * as kit from '../../src/receiver';
import { emptyDatabase } from '../support/postgres';
import { snippet } from '../support/snippets';

const PAGE = 'docs/receiving.md';
const SECRET = `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`;
const BODY = '{"id":"evt_1","type":"invoice.paid","timestamp":"2025-11-04T09:30:00.000Z","data":{"amount":1}}';

const servers: { close(): unknown }[] = [];
afterEach(() => {
  delete process.env['WEBHOOK_SECRET'];
  for (const server of servers.splice(0)) server.close();
});

/** What a snippet of the page exports. */
function exportsOf<T>(name: string): T {
  process.env['WEBHOOK_SECRET'] = SECRET;
  const { outputText } = ts.transpileModule(snippet(PAGE, name), { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true } });
  const modules: Readonly<Record<string, unknown>> = { 'posthorn/receiver': kit, express, koa: Koa };
  const exported = {};
  new Function('exports', 'require', outputText)(exported, (module: string) => modules[module]);
  return exported as T;
}

const signed = (body: string, at = new Date()): Record<string, string> => ({
  'content-type': 'application/json', 'webhook-id': 'evt_1', 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)), 'webhook-signature': new Webhook(SECRET).sign('evt_1', at, body),
});

/** The statuses that a signed request, and one that was tampered with, are answered. */
async function statusesOf(listener: RequestListener): Promise<number[]> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const post = async (body: string): Promise<number> => (await fetch(url, { method: 'POST', headers: { ...signed(BODY), connection: 'close' }, body })).status;
  return [await post(BODY), await post(BODY.replace('1}', '2}'))];
}

test('the receivers of the page take what is signed and refuse what is not', async () => {
  const { app: onExpress } = exportsOf<{ app: RequestListener }>('express');
  expect(await statusesOf(onExpress)).toEqual([200, 401]);
  const { app: onKoa } = exportsOf<{ app: Koa }>('koa');
  expect(await statusesOf((request, response) => void onKoa.callback()(request, response))).toEqual([200, 401]);
  const { receive } = exportsOf<{ receive: ReturnType<typeof kit.expressReceiver> }>('once');
  expect(await statusesOf((request, response) => void receive(request, response, () => undefined))).toEqual([200, 401]);
  const { POST } = exportsOf<{ POST: (request: Request) => Promise<Response> }>('fetch');
  const call = async (body: string) => (await POST(new Request('https://example.com/hook', { method: 'POST', headers: signed(BODY), body }))).status;
  expect([await call(BODY), await call(`${BODY} `)]).toEqual([200, 401]);
});

test('with the table of the page a delivery is worked on once, also when two come at the same time, and again after a failure', async () => {
  const database = await emptyDatabase();
  const pool = new Pool({ connectionString: database.url, max: 4 });
  try {
    await pool.query(snippet(PAGE, 'table'));
    await pool.query('create table payments (id text)');
    const { onlyOnce } = exportsOf<{ onlyOnce: (pool: Pool, id: string, work: (client: PoolClient) => Promise<void>) => Promise<void> }>('transaction');
    const pay = async (client: PoolClient): Promise<void> => void (await client.query("insert into payments values ('p')"));
    const failing = onlyOnce(pool, 'evt_1', async (client) => {
      await pay(client);
      throw new Error('no disk');
    });
    await expect(failing).rejects.toThrow('no disk');
    await Promise.all([onlyOnce(pool, 'evt_1', pay), onlyOnce(pool, 'evt_1', pay), onlyOnce(pool, 'evt_1', pay)]);
    expect((await pool.query('select * from payments')).rowCount).toBe(1);
    expect((await pool.query(snippet(PAGE, 'forget'))).rowCount).toBe(0);
  } finally {
    await pool.end();
    await database.drop();
  }
});
