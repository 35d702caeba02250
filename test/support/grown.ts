import type { Db } from '../../src/store/db';
import { analyzeForGood } from './explain';
import { makeEndpoint, makeWorkspace, newId } from './make';

/** A database that has been in use for six weeks. */
export interface Grown {
  readonly workspaceId: string;
  /** One of 200 that are ACTIVE. */
  readonly endpointId: string;
  /** DEACTIVATED, with rows that are held. */
  readonly sickId: string;
  /** An event of three weeks ago, its delivery, and its object. */
  readonly eventId: string;
  readonly deliveryId: string;
  readonly recordId: string;
}

const ENDPOINTS = 200;

/** An id made at `at`, the `n`th of its kind. */
const idAt = (prefix: string, at: string, n: string): string => `id_floor('${prefix}', ${at}) || lpad(${n}::text, 16, '0')`;

/**
 * Fills a database with `count` events over six weeks, one delivery and one attempt each, and half as many objects. Of a hundred
 * deliveries 95 are DELIVERED, and one each EXHAUSTED, CANCELLED, waiting for a retry, in a lane, or HELD.
 */
export async function growDatabase(db: Db, count: number): Promise<Grown> {
  const workspaceId = await makeWorkspace(db);
  const others = await makeWorkspace(db);
  const sickId = await makeEndpoint(db, workspaceId, { status: 'DEACTIVATED' });
  const endpointIds = Array.from({ length: ENDPOINTS }, () => newId('endpoint'));
  await db.query({
    text: `insert into endpoints (id, workspace_id, url, dialect, events) select id, $2, 'http://127.0.0.1:9/', 'standard', '{order.placed}' from unnest($1::text[]) id`,
    values: [endpointIds, workspaceId],
  });
  await db.query({ text: 'insert into endpoint_health (endpoint_id) select unnest($1::text[])', values: [endpointIds] });
  await db.query({ text: `select ensure_partitions(now() - interval '6 weeks', now())` });
  // `at` is spread evenly; of every ten events one is another workspace's.
  await db.transaction(async (trx) => {
    await trx.query({
      text: `create temporary table grown on commit drop as
             select n, now() - interval '6 weeks' * (1 - n::float8 / $1::int) - interval '1 second' as at,
                    case when n % 10 = 0 then $2::text else $3::text end as workspace_id,
                    case when n % 100 = 95 then $4::text else ($5::text[])[1 + n % ${ENDPOINTS}] end as endpoint_id
             from generate_series(1, $1::int) n`,
      values: [count, others, workspaceId, sickId, endpointIds],
    });
    const run = (text: string): Promise<unknown> => trx.query({ text });
    await run(`insert into objects (id, workspace_id, kind, type, primary_key, record_id, state, status, attributes)
               select ${idAt('rec', 'at', 'n')}, workspace_id, 'record', 'customer', 'c-' || n, null, null, null, '{}' from grown where n % 4 = 1`);
    await run(`insert into objects (id, workspace_id, kind, type, primary_key, record_id, state, status, attributes)
               select ${idAt('prc', 'at', 'n')}, workspace_id, 'process', 'order', 'o-' || n,
                      case when n % 20 = 1 then ${idAt('rec', 'at', 'n')} end, 'STATE-' || n % 5, case when n % 8 = 1 then 'OPEN' else 'CLOSED' end, '{}'
               from grown where n % 4 = 1`);
    await run(`insert into events (id, workspace_id, type, external_id, object_kind, object_id, data, occurred_at, created_at)
               select ${idAt('evt', 'at', 'n')}, workspace_id, case when n % 50 = 0 then 'order.rare' else 'order.placed' end,
                      case when n % 10 = 1 then 'x-' || n end, case when n % 4 = 1 then 'record' end, case when n % 4 = 1 then ${idAt('rec', 'at', 'n')} end,
                      '{"total":1}', at, at from grown`);
    await run(`insert into external_ids (workspace_id, external_id, event_id, created_at)
               select workspace_id, 'x-' || n, ${idAt('evt', 'at', 'n')}, at from grown where n % 10 = 1`);
    await run(`insert into plans (event_id, workspace_id, owed) select ${idAt('evt', 'at', 'n')}, workspace_id, 1 from grown`);
    await run(`insert into deliveries (event_id, id, workspace_id, endpoint_id, status, way, attempt_count, next_attempt_at, hold_until, created_at)
               select ${idAt('evt', 'at', 'n')}, ${idAt('dlv', 'at', 'n')}, workspace_id, endpoint_id,
                      case n % 100 when 91 then 'EXHAUSTED' when 92 then 'CANCELLED' when 93 then 'RETRYING' when 94 then 'PENDING' when 95 then 'HELD' else 'DELIVERED' end,
                      case n % 100 when 93 then 'retry' when 94 then 'lane' when 95 then 'lane' else 'fast' end, 1,
                      case when n % 100 = 93 then now() + interval '1 hour' end, case when n % 100 = 95 then now() + interval '7 days' end, at from grown`);
    await run(`insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, started_at, lease_until, duration_ms, outcome, status_code)
               select ${idAt('evt', 'at', 'n')}, ${idAt('att', 'at', 'n')}, ${idAt('dlv', 'at', 'n')}, workspace_id, endpoint_id, 1, at, at, 5, 'ok', 200 from grown`);
    await run(`insert into outbox (kind, workspace_id, event_id) select 'event', workspace_id, ${idAt('evt', 'at', 'n')} from grown order by n desc limit 20000`);
    await run(`insert into outbox (kind, workspace_id, event_id, delivery_id, endpoint_id)
               select 'retry', workspace_id, ${idAt('evt', 'at', 'n')}, ${idAt('dlv', 'at', 'n')}, endpoint_id from grown order by n desc limit 500`);
  });
  await analyzeForGood(db);
  const [one] = await db.query<{ event_id: string; id: string; record_id: string }>({
    text: `select d.event_id, d.id, e.object_id as record_id from deliveries d join events e on e.id = d.event_id
           where d.workspace_id = $1 and e.object_id is not null and d.event_id > id_floor('evt', now() - interval '3 weeks') order by d.event_id limit 1`,
    values: [workspaceId],
  });
  if (!one) throw new Error('Nothing has grown');
  return { workspaceId, endpointId: endpointIds[7] ?? '', sickId, eventId: one.event_id, deliveryId: one.id, recordId: one.record_id };
}
