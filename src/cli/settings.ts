import type { Config } from '../config';
import type { Io } from './command';

/**
 * The settings of the environment. Read through here they are loaded where they are needed: the commands that need none start faster.
 * @throws ConfigError
 */
export function readSettings(env: Io['env']): Config {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
  const { readConfig } = require('../config') as typeof import('../config');
  return readConfig(env);
}
