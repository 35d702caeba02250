import { EventEmitter } from 'node:events';
import { isSupervised, untilStopped } from '../../src/cli/stop';

const stopsAt = async (event: string, connected: boolean, env: Record<string, string> = {}): Promise<boolean> => {
  const source = Object.assign(new EventEmitter(), { connected });
  let stopped = false;
  void untilStopped(source, env).then(() => { stopped = true; });
  source.emit(event);
  await Promise.resolve();
  return stopped;
};

test('a process that runs alone stops at SIGTERM and at SIGINT', async () => {
  expect(await stopsAt('SIGTERM', false)).toBe(true);
  expect(await stopsAt('SIGINT', false)).toBe(true);
});

test('a supervised one leaves SIGINT to its supervisor, and stops at SIGTERM', async () => {
  expect(await stopsAt('SIGINT', true)).toBe(false);
  expect(await stopsAt('SIGTERM', true)).toBe(true);
  expect(await stopsAt('SIGINT', false, { POSTHORN_SUPERVISED: '1' })).toBe(false);
});

test('a supervised one stops when its supervisor is gone', async () => {
  expect(await stopsAt('disconnect', true)).toBe(true);
});

test('a channel or the variable says that there is a supervisor', () => {
  const source = new EventEmitter();
  expect(isSupervised(Object.assign(source, { connected: true }), {})).toBe(true);
  expect(isSupervised(Object.assign(source, { connected: false }), {})).toBe(false);
  expect(isSupervised(Object.assign(source, { connected: false }), { POSTHORN_SUPERVISED: '1' })).toBe(true);
});
