import type { Config } from './config';
import type { NewId } from './domain/ids';
import type { Log } from './log';
import type { Metrics } from './metrics/metrics';
import type { KeyRing } from './seal';
import type { Db } from './store/db';
import type { Tracing } from './tracing/tracing';
import type { Transformer } from './transform/transformer';
import type { AddressPolicy } from './wire/address';
import type { Poster } from './wire/post';

/** What both processes hand to their parts. */
export interface Deps {
  readonly db: Db;
  readonly newId: NewId;
  readonly keyRing: KeyRing;
  readonly config: Config;
  readonly log: Log;
  readonly poster: Poster;
  /** Evaluates the expressions of endpoints. */
  readonly transformer: Transformer;
  /** Which addresses an endpoint may have: `createAddressPolicy(allowedNetworksOf(config))`, the poster's own. */
  readonly addresses: AddressPolicy;
  readonly now: () => Date;
  /** What is counted; told by `GET /metrics`. */
  readonly metrics: Metrics;
  /** Null where no traces are kept. */
  readonly tracing: Tracing | null;
}
