import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTemporalCli } from '../../src/embedded/temporal-cli';
import { freePort } from '../support/ports';
import { startService, type Service } from '../support/service';
import { until } from '../support/wait';

const ROOT = join(__dirname, '..', '..');
/** Waits of the README are meant for a machine that does nothing else. */
const PATIENCE = 'sleep() { command sleep "$(($1 * 5))"; }';

let service: Service;
const shells: ChildProcess[] = [];

beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  for (const shell of shells) shell.kill('SIGTERM');
  await Promise.all(shells.map((shell) => shell.exitCode === null && shell.signalCode === null && once(shell, 'exit')));
  await service?.stop();
});

function run(script: string, env: Readonly<Record<string, string>>): { readonly shell: ChildProcess; output(): string } {
  const shell = spawn('bash', ['-c', script], { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  shells.push(shell);
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return { shell, output: () => output };
}

test('the quickstart of the README works as it stands', async () => {
  const quickstart = /<!-- quickstart -->([^]*?)<!-- \/quickstart -->/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
  const port = String(await freePort());
  const blocks = [...quickstart.matchAll(/```sh( background)?\n([^]*?)```/g)].map(([, kind, text = '']) => ({ isBackground: kind !== undefined, text: text.replaceAll('9000', port) }));
  const backgrounds = blocks.filter(({ isBackground }) => isBackground);
  const steps = blocks.filter(({ isBackground }) => !isBackground);
  expect([backgrounds.length, steps.length]).toEqual([1, 9]);
  const cli = await findTemporalCli({ path: process.env['TEMPORAL_CLI'], progress: () => undefined });

  const receiver = run(`exec ${backgrounds[0]!.text}`, {});
  await until(() => receiver.output().includes('listening'), { what: 'the receiver' });
  const user = run(['set -euo pipefail', PATIENCE, ...steps.map(({ text }) => text)].join('\n'), {
    KEY: service.rootKey, API: service.url(), TEMPORAL_ADDRESS: service.address, TEMPORAL_NAMESPACE: service.namespace, TEMPORAL_CLI: cli,
  });
  await once(user.shell, 'exit');
  if (user.shell.exitCode !== 0) throw new Error(user.output());

  const answers = user.output().split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  expect(answers.filter(({ status }) => status >= 400)).toEqual([]);
  const delivery = answers.find(({ attempts }) => attempts !== undefined);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attemptCount: 1 });
  expect(answers.find(({ workflow, owed }) => owed === 1 && workflow !== null)).toMatchObject({ type: 'process:state-change', delivered: true });
  expect(answers.find(({ held }) => held !== undefined)).toMatchObject({ status: 'DEACTIVATED', reason: 'moving house', held: 1 });
  const { data: deliveries } = answers.find(({ data }) => Array.isArray(data));
  expect(deliveries.map(({ status }: { status: string }) => status)).toEqual(['DELIVERED', 'DELIVERED']);
  expect(answers.at(-1)).toMatchObject({ name: 'My CRM', status: 'ACTIVE' });

  await until(() => [...receiver.output().matchAll(/POST \/hook -> 200 .*signature ok/g)].length === 2, { what: 'both deliveries at the receiver' });
  expect(receiver.output()).toContain('"state": "CONVERTED"');
}, 120_000);
