import type { Log } from '../../src/log';
import { type Poller, startPolling } from '../../src/relay/polling';
import { until } from '../support/wait';

const log = { warn: () => undefined } as unknown as Log;

/** Pollers that end when they are told to, or fail. */
function makePollers() {
  const made: { isRunning: boolean; fail: (error: Error) => void }[] = [];
  const create = async (): Promise<Poller[]> => {
    const state = { isRunning: false, fail: (_: Error): void => undefined };
    let end: () => void = () => undefined;
    made.push(state);
    return [{
      run: () => new Promise<void>((resolve, reject) => {
        state.isRunning = true;
        state.fail = reject;
        end = resolve;
      }),
      shutdown() {
        state.isRunning = false;
        end();
      },
    }];
  };
  return { made, create };
}

it('a worker asks for no work while PostgreSQL is out of reach for long, and asks anew when it is back', async () => {
  let lostForMs = 0;
  const { made, create } = makePollers();
  const polling = await startPolling(create, { lostForMs: () => lostForMs }, log);
  expect(made.map(({ isRunning }) => isRunning)).toEqual([true]);
  lostForMs = 6_000;
  await until(() => !made[0]!.isRunning, { what: 'the end of the first' });
  lostForMs = 0;
  await until(() => made[1]?.isRunning, { what: 'the second' });
  await polling.stop();
  expect(made.map(({ isRunning }) => isRunning)).toEqual([false, false]);
});

it('it can be stopped while PostgreSQL is out of reach, and says when a poller failed', async () => {
  const { made, create } = makePollers();
  const away = await startPolling(create, { lostForMs: () => 6_000 }, log);
  await until(() => !made[0]!.isRunning, { what: 'the end of the first' });
  await away.stop();
  expect(made).toHaveLength(1);

  const polling = await startPolling(create, { lostForMs: () => 0 }, log);
  made[1]!.fail(new Error('for good'));
  await expect(polling.failed).rejects.toThrow('for good');
});
