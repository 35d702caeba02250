import type { PooledDb } from '../store/db';
import type { Gauge } from './instruments';

/** Binds the gauges of a pool of connections. */
export function bindPool(gauges: Readonly<Record<'open' | 'idle' | 'waiting', Gauge>>, db: Pick<PooledDb, 'connections'>): void {
  gauges.open.ask = () => db.connections().open;
  gauges.idle.ask = () => db.connections().idle;
  gauges.waiting.ask = () => db.connections().waiting;
}
