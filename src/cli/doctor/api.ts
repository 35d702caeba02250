import type { Config } from '../../config';
import { openApi } from '../api';
import type { Io } from '../command';
import { CliError, messageOf } from '../exit-codes';
import { type Finding, findings } from './finding';
import { isFree } from './machine';

const PATIENCE_MS = 4_000;

/** The API: that it answers, and takes the key; else that its port is free. */
export async function checkApi(config: Config, env: Io['env']): Promise<Finding[]> {
  const { ok, warning, failed } = findings('API');
  const { HOST, PORT } = config;
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '[::1]' : HOST;
  const url = env['POSTHORN_URL'] || `http://${host}:${PORT}`;
  const answer = await read(`${url}/readyz`);
  if (answer?.includes('"postgres"')) {
    const isReady = answer.includes('"ready"');
    return [isReady ? ok(`ready at ${url}`) : failed(`at ${url} it is not ready: PostgreSQL is away`, 'see what is said of PostgreSQL'), ...(isReady ? [await checkKey(config, env, url)] : [])];
  }
  if (answer !== null || (env['POSTHORN_URL'] === undefined && !(await isFree(PORT, HOST)))) {
    return [failed(`something else than Posthorn answers at ${url}`, 'stop it, or set PORT (or POSTHORN_URL) to another one')];
  }
  return [warning(`nothing answers at ${url}`, 'start it: posthorn serve, or npm start; if it is elsewhere set POSTHORN_URL')];
}

async function checkKey(config: Config, env: Io['env'], url: string): Promise<Finding> {
  const { ok, failed, skipped } = findings('key');
  const [name, key] = env['POSTHORN_KEY'] ? ['POSTHORN_KEY', env['POSTHORN_KEY']] : ['POSTHORN_ROOT_KEY', config.POSTHORN_ROOT_KEY];
  if (key === undefined) return skipped('neither POSTHORN_KEY nor POSTHORN_ROOT_KEY is set here');
  try {
    await openApi({ url, key }, {}).get('/v1/events', { limit: 1 });
    return ok(`the API takes ${name}`);
  } catch (error) {
    if (error instanceof CliError && error.reason === 'refused') return failed(`the API refuses ${name}: ${error.message}`, `set ${name} to a key of this API, or start the API with this one`);
    return failed(`the API can not be asked with ${name}: ${messageOf(error)}`, 'see its log');
  }
}

/** The ports of metrics that are set: in use by ours, or free. */
export async function checkMetricsPorts(config: Config): Promise<Finding[]> {
  const { METRICS_HOST: host } = config;
  const named = (['METRICS_PORT', 'WORKER_METRICS_PORT'] as const).flatMap((name) => (config[name] ? [{ name, port: config[name] }] : []));
  return Promise.all(named.map(async ({ name, port }) => {
    const { ok, failed } = findings(name);
    if (await isFree(port, host)) return ok(`${port} is free`);
    const text = await read(`http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}/metrics`);
    return text?.includes('posthorn_') ? ok(`metrics are told at ${port}`) : failed(`${port} is taken by another program`, `set ${name} to another port`);
  }));
}

/** What stands at an address; null where nothing answers. */
async function read(url: string): Promise<string | null> {
  try {
    // eslint-disable-next-line no-restricted-globals -- our own API, at the address that the settings name
    return await (await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'manual' })).text();
  } catch {
    return null;
  }
}
