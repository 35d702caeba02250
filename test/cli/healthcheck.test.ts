import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { Connection } from '@temporalio/client';
import { TASK_QUEUE } from '../../workflows/contract';
import { freshNamespace } from '../support/temporal';
import { until } from '../support/wait';
import { run } from './run-cli';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** An API that answers `/readyz`. */
async function apiAnswering(status: number, host = '127.0.0.1'): Promise<string> {
  const server = createServer((request, response) => response.writeHead(request.url === '/readyz' ? status : 404).end()).listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  return String((server.address() as AddressInfo).port);
}

test('serve is well while the API says that it is ready', async () => {
  const PORT = await apiAnswering(200);
  expect(await run(['healthcheck', 'serve'], { env: { PORT } })).toMatchObject({ code: 0, out: ['well'] });
});

test('serve asks on this machine where the API listens on every address', async () => {
  const PORT = await apiAnswering(200, '0.0.0.0');
  expect(await run(['healthcheck', 'serve'], { env: { PORT, HOST: '0.0.0.0' } })).toMatchObject({ code: 0 });
});

test('serve is not well while the API is not ready, or not there', async () => {
  const PORT = await apiAnswering(503);
  expect(await run(['healthcheck', 'serve'], { env: { PORT } })).toMatchObject({ code: 1, err: ['the API answers 503'] });
  expect(await run(['healthcheck', 'serve'], { env: { PORT: '1' } })).toMatchObject({ code: 1, err: [expect.stringContaining('ECONNREFUSED')] });
});

test('work is well once a process of this machine has asked Temporal for work, and not because another machine has', async () => {
  const { address, namespace } = await freshNamespace();
  const env = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
  const connection = await Connection.connect({ address });
  const { workflowService } = connection;
  const taskQueue = { name: TASK_QUEUE };
  // Polls until the test is over; Temporal remembers who asked.
  const over = new AbortController();
  const polls: Promise<unknown>[] = [];
  const poll = (identity: string): void => void polls.push(
    connection.withAbortSignal(over.signal, () => connection.withDeadline(Date.now() + 30_000, () =>
      workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity }))).catch(() => undefined),
  );
  try {
    expect(await run(['healthcheck', 'work'], { env })).toMatchObject({ code: 1, err: [expect.stringContaining(hostname())] });
    poll('1@some-other-machine');
    await until(async () => (await workflowService.describeTaskQueue({ namespace, taskQueue, taskQueueType: 1 })).pollers?.length === 1);
    expect(await run(['healthcheck', 'work'], { env })).toMatchObject({ code: 1 });
    poll(`1@${hostname()}`);
    await until(async () => (await run(['healthcheck', 'work'], { env })).code === 0);
  } finally {
    over.abort();
    await Promise.all(polls);
    await connection.close();
  }
});

test('work is not well while Temporal is away', async () => {
  expect(await run(['healthcheck', 'work'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } })).toMatchObject({ code: 1 });
});
