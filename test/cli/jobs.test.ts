import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../support/wait';
import { run, start } from './run-cli';

/** An API whose job is what a test says. */
let server: Server;
let status: string;
let env: Record<string, string>;
beforeAll(async () => {
  server = createServer((request, response) => {
    const job = { id: 'job_1', status, done: 0, failed: 0, total: 1 };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(request.method === 'POST' ? { job } : job));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  env = { POSTHORN_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, POSTHORN_KEY: 'phk_of_nobody_at_all' };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const WAITING = ['jobs get job_1 --wait', 'recover ep_1 --since 1h'];

test.each([['COMPLETED', 0], ['FAILED', 1], ['CANCELLED', 1]])('a job that is waited for and ends as %s gives the exit code %i', async (ended, code) => {
  status = ended;
  for (const line of WAITING) expect(await start(line.split(' '), { env }).ended).toMatchObject({ code });
});

test.each(WAITING)('%s, stopped before the job is over, gives the exit code 1 and says that it goes on', async (line) => {
  status = 'RUNNING';
  const waiting = start(line.split(' '), { env });
  await until(() => waiting.err.some((text) => text.startsWith('RUNNING')));
  waiting.stop();
  expect(await waiting.ended).toMatchObject({ code: 1, err: expect.arrayContaining(['The job goes on. To end it: posthorn jobs cancel job_1']) });
});

test.each(['QUEUED', 'FAILED'])('a job that is not waited for gives the exit code 0, whatever becomes of it: %s', async (now) => {
  status = now;
  for (const line of ['jobs get job_1', 'recover ep_1 --since 1h --no-wait']) expect(await run(line.split(' '), { env })).toMatchObject({ code: 0 });
});
