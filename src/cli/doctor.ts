import type { Config, ConfigError } from '../config';
import { command, type Io, JSON_OPTION } from './command';
import { type Finding, findings } from './doctor/finding';
import { clean } from './print';
import { readSettings } from './settings';

/** `doctor`: what is wrong with an installation, and what to do. */
export const doctorCommand = command({
  summary: 'Looks at the settings, PostgreSQL, Temporal, workers and the API, and says what to do. Exit code 1 where something failed.',
  options: JSON_OPTION,
  async run({ values }, io) {
    const isJson = values.json === true;
    const found: Finding[] = [];
    const tell = (...more: Finding[]): void => {
      found.push(...more);
      if (!isJson) for (const line of more.flatMap(linesOf)) io.out(line);
    };
    await examine(io, tell);
    const count = (status: Finding['status']): number => found.filter((one) => one.status === status).length;
    if (isJson) io.out(JSON.stringify({ ok: count('failed') === 0, findings: found }));
    else io.out(`\n${count('ok')} ok, ${count('warning')} warnings, ${count('failed')} failed, ${count('skipped')} skipped`);
    return count('failed') === 0 ? 0 : 1;
  },
});

async function examine(io: Io, tell: (...found: Finding[]) => void): Promise<void> {
  /* eslint-disable @typescript-eslint/no-require-imports -- loaded when they are needed: they bring Temporal's native code */
  const machine = require('./doctor/machine') as typeof import('./doctor/machine');
  tell(machine.checkNode(process.versions.node));
  const config = settingsOf(io.env, tell);
  if (!config) return;
  tell(...machine.checkFiles(config), machine.checkNetworks(config));

  const { readEmbedded } = require('./doctor/embedded') as typeof import('./doctor/embedded');
  const { checkDatabase } = require('./doctor/database') as typeof import('./doctor/database');
  const embedded = config.DATABASE_URL === undefined ? readEmbedded(config.POSTHORN_DATA_DIR) : null;
  const url = config.DATABASE_URL ?? embedded?.url;
  if (url === undefined) {
    tell(findings('PostgreSQL').failed(`DATABASE_URL is not set, and the one of ${config.POSTHORN_DATA_DIR} does not run`, 'npm start, or set DATABASE_URL'));
  } else {
    tell(...(await checkDatabase({ url, encryptionKeys: config.POSTHORN_ENCRYPTION_KEYS ?? embedded?.encryptionKeys, pool: config.DATABASE_POOL })));
  }
  const { checkTemporal } = require('./doctor/temporal') as typeof import('./doctor/temporal');
  tell(...(await checkTemporal(config)));
  const { checkApi, checkMetricsPorts } = require('./doctor/api') as typeof import('./doctor/api');
  /* eslint-enable @typescript-eslint/no-require-imports */
  tell(...(await checkApi(config, io.env)), ...(await checkMetricsPorts(config)));
}

function settingsOf(env: Io['env'], tell: (...found: Finding[]) => void): Config | null {
  const { ok, failed } = findings('settings');
  try {
    const config = readSettings(env);
    tell(ok('all can be used'));
    return config;
  } catch (error) {
    const { mistakes } = error as ConfigError;
    if (!Array.isArray(mistakes)) throw error;
    tell(...(mistakes as readonly string[]).map((line) => failed(line, 'mend it in the environment; the README has a table of all settings')));
    return null;
  }
}

function linesOf({ check, status, detail, todo }: Finding): string[] {
  const line = `${status.padEnd(9)}${check.padEnd(20)}${clean(detail)}`;
  return todo === undefined ? [line] : [line, `${' '.repeat(9)}-> ${clean(todo)}`];
}
