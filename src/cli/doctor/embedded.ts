import { readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** How the PostgreSQL that `npm start` runs is reached. */
export interface Embedded {
  readonly url: string;
  readonly encryptionKeys: readonly string[];
}

/** What a data dir tells of its PostgreSQL while that runs; null where there is none, or it does not run. */
export function readEmbedded(dataDir: string): Embedded | null {
  const base = resolve(dataDir);
  try {
    const [, , , port = ''] = readFileSync(join(realpathSync(join(base, 'postgres')), 'data', 'postmaster.pid'), 'utf8').split('\n');
    const password = readFileSync(join(base, 'postgres.password'), 'utf8').trim();
    const keys = readFileSync(join(base, 'encryption-keys'), 'utf8').trim();
    return /^\d+$/.test(port) ? { url: `postgres://posthorn:${password}@127.0.0.1:${port}/posthorn`, encryptionKeys: keys.split(',') } : null;
  } catch {
    return null;
  }
}
