import { allowedNetworksOf, type Config } from './config';
import type { Deps } from './deps';
import { createNewId } from './ids';
import type { Log } from './log';
import { createMetrics } from './metrics/metrics';
import { bindPool } from './metrics/pool';
import { createKeyRing } from './seal';
import { openDb } from './store/db';
import type { Tracing } from './tracing/tracing';
import { createTransformer } from './transform/transformer';
import { createAddressPolicy } from './wire/address';
import { createPoster } from './wire/post';

/**
 * Opens what a process needs, with its settings.
 * @param maxConnections to receivers, at once; absent: no bound.
 * @throws Error where `DATABASE_URL` or `POSTHORN_ENCRYPTION_KEYS` is missing: the supervisor sets both for the embedded ones.
 */
export function createDeps(config: Config, log: Log, tracing: Tracing | null, maxConnections?: number): Deps & { close(): Promise<void> } {
  const { DATABASE_URL: url, POSTHORN_ENCRYPTION_KEYS: keys, DATABASE_POOL: most } = config;
  if (url === undefined || keys === undefined) {
    throw new Error('DATABASE_URL and POSTHORN_ENCRYPTION_KEYS must be set for this command; "npm start" sets them for an embedded PostgreSQL.');
  }
  const addresses = createAddressPolicy(allowedNetworksOf(config));
  const db = openDb(url, most);
  const poster = createPoster({ policy: addresses, ...(maxConnections !== undefined && { maxConnections }) });
  const transformer = createTransformer();
  const metrics = createMetrics();
  bindPool(metrics.api.poolOf('main'), db);
  bindPool(metrics.worker.poolOf('main'), db);
  return {
    config, log, db, poster, transformer, addresses, metrics, tracing, newId: createNewId(), keyRing: createKeyRing(keys), now: () => new Date(),
    async close() {
      await poster.close();
      transformer.close();
      await db.close();
      await tracing?.close();
    },
  };
}
