import { failpoint } from '../failpoint';
import { command, JSON_OPTION, UsageError } from './command';
import { readSettings } from './settings';

/** `rekey`: everything that is stored sealed, sealed anew with the first of POSTHORN_ENCRYPTION_KEYS. */
export const rekeyCommand = command({
  summary: 'Seals all stored secrets anew with the first of POSTHORN_ENCRYPTION_KEYS, while everything runs.',
  options: {
    'dry-run': { type: 'boolean', describe: 'only tell what is sealed with other keys' },
    ...JSON_OPTION,
  },
  async run({ values }, io) {
    const { DATABASE_URL, POSTHORN_ENCRYPTION_KEYS: keys } = readSettings(io.env);
    if (DATABASE_URL === undefined || keys === undefined) {
      throw new UsageError('DATABASE_URL and POSTHORN_ENCRYPTION_KEYS are needed, as the API and the workers have them');
    }
    /* eslint-disable @typescript-eslint/no-require-imports -- loaded when they are needed: the other commands start faster */
    const { openDb } = require('../store/db') as typeof import('../store/db');
    const { createKeyRing } = require('../seal') as typeof import('../seal');
    const { countLeft, rekey } = require('../commands/rekey') as typeof import('../commands/rekey');
    /* eslint-enable @typescript-eslint/no-require-imports */
    const db = openDb(DATABASE_URL, 1);
    try {
      const keyRing = createKeyRing(keys);
      const onBatch = (rows: number): void => {
        failpoint('after-rekeyed-batch');
        io.err(`${rows} rows sealed anew`);
      };
      const done = values['dry-run'] === true ? null : await rekey(db, keyRing, onBatch);
      const left = await countLeft(db, keyRing);
      const count = left.reduce((sum, one) => sum + one.count, 0);
      const failed = done?.failed ?? [];
      if (values.json === true) io.out(JSON.stringify({ activeKey: keyRing.activeId, dryRun: done === null, rows: done?.rows ?? 0, left, failed }));
      else {
        if (done) io.out(`${done.rows} rows were sealed anew with "${keyRing.activeId}"`);
        for (const { row, error } of failed) io.err(`${row}: ${error}`);
        for (const { key, column, count: texts } of left) io.out(`${key}  ${texts}  ${column}`);
        io.out(count === 0
          ? `Nothing is sealed with another key than "${keyRing.activeId}": the others may be removed from POSTHORN_ENCRYPTION_KEYS.`
          : `${count} texts are sealed with another key than "${keyRing.activeId}": keep the others in POSTHORN_ENCRYPTION_KEYS.`);
      }
      // What is left after a run could not be opened, or was written by a process that still has another key first.
      return done && count > 0 ? 1 : 0;
    } finally {
      await db.close();
    }
  },
});
