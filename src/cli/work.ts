import { command } from './command';
import { readSettings } from './settings';

/** `work`: the relay and the Temporal worker, until the process is told to stop. */
export const workCommand = command({
  summary: 'Runs a worker: it delivers. Start as many as you like. Its settings come from the environment.',
  options: {},
  async run(_given, io) {
    const stopped = io.untilStopped();
    const config = readSettings(io.env);
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed: it brings Temporal's native code
    const { work } = require('../work') as typeof import('../work');
    // While Temporal is away or the clock is wrong it does not come up, and can still be told to stop.
    const worker = await Promise.race([work(config), stopped]);
    if (!worker) return 0;
    io.ready({ ready: true });
    io.err('posthorn work: working');
    const code = await Promise.race([stopped.then(() => 0), worker.failed, worker.clockWrong.then(() => 1)]);
    await worker.close();
    // Whoever runs it starts it again, and it comes up when the clock is right.
    return code;
  },
});
