import { get } from 'node:http';
import { hostname } from 'node:os';
import type { Config } from '../config';
import { command, JSON_OPTION, UsageError } from './command';
import { readSettings } from './settings';

const LIMIT_MS = 4_000;
/** A poller asks anew at least once a minute; two missed turns are taken for its end. */
const POLLED_WITHIN_MS = 150_000;

/** `healthcheck`: what a container asks of itself. */
export const healthcheckCommand = command({
  summary: 'Exit code 0 if the process that this container runs is well, else 1.',
  options: JSON_OPTION,
  words: ['serve|work'],
  choices: ['serve', 'work'],
  async run({ words, values }, io) {
    const [what] = words;
    if (what !== 'serve' && what !== 'work') throw new UsageError(`healthcheck serve or healthcheck work (seen: ${JSON.stringify(what ?? '')})`);
    const config = readSettings(io.env);
    const complaint = what === 'serve' ? await askApi(config) : await askTemporal(config);
    if (values.json === true) io.out(JSON.stringify({ well: complaint === null, complaint }));
    else (complaint === null ? io.out : io.err)(complaint ?? 'well');
    return complaint === null ? 0 : 1;
  },
});

/** What the API's own `/readyz` says; null: it is ready. */
function askApi({ HOST, PORT }: Config): Promise<string | null> {
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '::1' : HOST;
  return new Promise((resolve) => {
    const request = get({ host, port: PORT, path: '/readyz', timeout: LIMIT_MS, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? null : `the API answers ${answer.statusCode}`);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${LIMIT_MS} ms`)));
    request.on('error', (error) => resolve(`the API does not answer: ${error.message}`));
  });
}

/** Whether Temporal has lately been asked for work by a process of this machine (in a container: by this container). */
async function askTemporal(config: Config): Promise<string | null> {
  /* eslint-disable @typescript-eslint/no-require-imports -- loaded when it is needed: it brings Temporal's native code */
  const { connectTemporal } = require('../temporal') as typeof import('../temporal');
  const { TASK_QUEUE } = require('../../workflows/contract') as typeof import('../../workflows/contract');
  /* eslint-enable @typescript-eslint/no-require-imports */
  const connection = await connectTemporal(config);
  try {
    const { pollers } = await connection.withDeadline(Date.now() + LIMIT_MS, () =>
      connection.workflowService.describeTaskQueue({ namespace: config.TEMPORAL_NAMESPACE, taskQueue: { name: TASK_QUEUE }, taskQueueType: 1 }));
    const since = Date.now() - POLLED_WITHIN_MS;
    const isPolled = (pollers ?? []).some(({ identity, lastAccessTime }) =>
      identity?.endsWith(`@${hostname()}`) === true && Number(lastAccessTime?.seconds ?? 0) * 1000 >= since);
    return isPolled ? null : `no worker on ${hostname()} has asked Temporal for work lately`;
  } finally {
    await connection.close();
  }
}
