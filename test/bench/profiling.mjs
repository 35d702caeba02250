/** `--profile`: what is added to a run so that it tells where the processor time goes. It costs some itself, so the figures are not to be kept. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { profileOptions, profileSummary } from './profile.mjs';
import { resetStatements, STATEMENT_SETTINGS, statementSummary } from './statements.mjs';

const PARTS = [['serve', 'API'], ['work', 'Worker']];

/** @param {{ profilesFolder: string }} settings the folder is emptied */
export function openProfiling({ profilesFolder }) {
  rmSync(profilesFolder, { recursive: true, force: true });
  for (const [command] of PARTS) mkdirSync(join(profilesFolder, command), { recursive: true });
  return {
    stackOptions: { nodeOptions: (command) => profileOptions(profilesFolder, command), postgresSettings: STATEMENT_SETTINGS },
    begin: ({ stack }) => resetStatements(stack.db),
    /** Reads what PostgreSQL counted, now; answers what prints all of it once the processes have ended. */
    async summary({ stack }) {
      const statements = await statementSummary(stack.db);
      return () => {
        const functions = PARTS.map(([command, title]) => profileSummary(title, join(profilesFolder, command)) ?? `${title}: no profile was written`);
        process.stdout.write(`${[...functions, statements, `The profiles are in ${profilesFolder}, for the developer tools of a browser.`].join('\n\n')}\n`);
        return Promise.resolve();
      };
    },
  };
}
