import { command, JSON_OPTION, UsageError } from './command';
import { readSettings } from './settings';

/** `migrate`: the tables as this build needs them. */
export const migrateCommand = command({
  summary: 'Brings the tables of DATABASE_URL to what this build needs.',
  options: { down: { type: 'boolean', describe: 'undo the newest migration instead; what its tables hold is lost' }, ...JSON_OPTION },
  async run({ values }, io) {
    const { DATABASE_URL } = readSettings(io.env);
    if (DATABASE_URL === undefined) {
      throw new UsageError('DATABASE_URL is needed: the embedded PostgreSQL is migrated by npm start');
    }
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed: the other commands start faster
    const { migrate } = require('../store/migrate') as typeof import('../store/migrate');
    const names = await migrate(DATABASE_URL, values.down === true ? 'down' : 'up');
    const did = values.down === true ? 'undone' : 'done';
    if (values.json === true) io.out(JSON.stringify({ [did]: names }));
    else for (const line of names.length === 0 ? ['nothing to do'] : names.map((name) => `${did}  ${name}`)) io.out(line);
    return 0;
  },
});
