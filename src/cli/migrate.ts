import { readConfig } from '../config';
import { command, UsageError } from './command';

/** `migrate`: the tables as this build needs them. */
export const migrateCommand = command({
  usage: '[--down]',
  summary: 'Brings the tables of DATABASE_URL to what this build needs.',
  options: { down: { type: 'boolean', describe: 'undo the newest migration instead; what its tables hold is lost' } },
  async run({ values }, io) {
    const { DATABASE_URL } = readConfig(io.env);
    if (DATABASE_URL === undefined) {
      throw new UsageError('DATABASE_URL is needed: the embedded PostgreSQL is migrated by npm start');
    }
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed: the other commands start faster
    const { migrate } = require('../store/migrate') as typeof import('../store/migrate');
    const names = await migrate(DATABASE_URL, values.down === true ? 'down' : 'up');
    for (const name of names) io.out(`${values.down === true ? 'undone' : 'done'}  ${name}`);
    if (names.length === 0) io.out('nothing to do');
    return 0;
  },
});
