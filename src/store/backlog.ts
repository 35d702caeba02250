import type { DeliveryStatus } from '../domain/delivery';
import type { EndpointStatus } from '../domain/endpoint';
import type { Sql } from './db';
import { IS_HELD, IS_PENDING, IS_RETRYING } from './live';

/** What the outbox holds besides events. */
export const OUTBOX_KINDS = ['event', 'retry', 'signal', 'job'] as const;

/** What waits, of all workspaces together. */
export interface Backlog {
  /** Rows by kind; at most {@link COUNTED_ROWS} are counted in all. */
  readonly outbox: ReadonlyMap<string, number>;
  /** Age of the oldest row, in seconds; 0 where there is none. */
  readonly outboxOldestSeconds: number;
  /** PENDING, RETRYING and HELD deliveries that wait in PostgreSQL; a first attempt under way is none of them. */
  readonly deliveries: ReadonlyMap<string, number>;
  /** For how long the oldest of them could have left, at endpoints that are ACTIVE; 0 where none is due. */
  readonly oldestDueSeconds: number;
  readonly endpoints: ReadonlyMap<string, number>;
}

const COUNTED_ROWS = 100_000;

// Each kind by its own index: no index is of all that waits.
const WAITING = [IS_PENDING, IS_RETRYING, IS_HELD]
  .map((isKind) => `select status, endpoint_id, next_attempt_at, updated_at from deliveries where ${isKind}`).join(' union all ');

/** Looks at the tables of what waits, by the indexes of what waits: it costs what the backlog is large, not what is stored. */
export async function readBacklog(sql: Sql): Promise<Backlog> {
  const rows = await sql.query<{ kind: string; n: number }>({
    text: `select kind, count(*) as n from (select kind from outbox limit ${COUNTED_ROWS}) counted group by kind`,
  });
  const [oldest] = await sql.query<{ age: number }>({
    text: 'select extract(epoch from clock_timestamp() - created_at)::float8 as age from outbox order by id limit 1',
  });
  const waiting = await sql.query<{ status: DeliveryStatus; n: number; due: number | null }>({
    text: `select d.status, count(*) as n,
             max(extract(epoch from clock_timestamp() - coalesce(d.next_attempt_at, d.updated_at)))
               filter (where d.status <> 'HELD' and e.status = 'ACTIVE')::float8 as due
           from (${WAITING}) d left join endpoints e on e.id = d.endpoint_id
           group by d.status`,
  });
  const endpoints = await sql.query<{ status: EndpointStatus; n: number }>({ text: 'select status, count(*) as n from endpoints group by status' });
  return {
    outbox: new Map(rows.map(({ kind, n }) => [kind, n])),
    outboxOldestSeconds: Math.max(0, oldest?.age ?? 0),
    deliveries: new Map(waiting.map(({ status, n }) => [status, n])),
    oldestDueSeconds: Math.max(0, ...waiting.map(({ due }) => due ?? 0)),
    endpoints: new Map(endpoints.map(({ status, n }) => [status, n])),
  };
}
