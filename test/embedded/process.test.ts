import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepRunning } from '../../src/embedded/process';
import { until } from '../support/wait';

const SCRIPT = `
  require('node:fs').appendFileSync(process.argv[1], process.pid + ' ');
  process.send({ ready: true });
  setInterval(() => undefined, 1_000);
`;

let folder: string;
const node = process.execPath;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-process-'));
});
afterEach(async () => {
  process.execPath = node;
  await rm(folder, { recursive: true, force: true });
});

test('what can not be started again for a while is started as soon as it can be', async () => {
  const file = join(folder, 'pids');
  const pids = async (): Promise<number[]> => (await readFile(file, 'utf8')).trim().split(' ').map(Number);
  const told: string[] = [];
  const keeper = keepRunning({ name: 'part', args: ['-e', SCRIPT, file], env: {}, progress: (line) => told.push(line) });
  try {
    await keeper.ready;
    process.execPath = join(folder, 'gone');
    process.kill((await pids())[0] ?? NaN, 'SIGKILL');
    await until(() => told.some((line) => /ENOENT.*starting it again/.test(line)));
    process.execPath = node;
    await until(async () => (await pids()).length === 2);
    expect(told).toEqual([
      'The part ended (SIGKILL): starting it again in 0.5 s',
      `The part ended (spawn ${join(folder, 'gone')} ENOENT): starting it again in 1 s`,
    ]);
  } finally {
    await keeper.stop(1_000);
  }
});
