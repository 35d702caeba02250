import { command } from './command';
import { readSettings } from './settings';

/** `serve`: the API, until the process is told to stop. */
export const serveCommand = command({
  summary: 'Serves the REST API. Its settings come from the environment; see the README.',
  options: {},
  async run(_given, io) {
    const stopped = io.untilStopped();
    const config = readSettings(io.env);
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed: the other commands start faster
    const { serve } = require('../serve') as typeof import('../serve');
    // While PostgreSQL is away it does not come up, and can still be told to stop.
    const api = await Promise.race([serve(config), stopped]);
    if (!api) return 0;
    io.ready({ ready: true, url: api.url, rootKey: api.rootKey });
    io.err(`posthorn serve: listening on ${api.url}`);
    // Shown once, and to whoever started us: the supervisor prints it itself.
    if (api.rootKey !== null && !io.isSupervised) io.out(`The root key, shown only this once: ${api.rootKey}`);
    await stopped;
    await api.close();
    return 0;
  },
});
