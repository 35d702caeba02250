import { madeAtMs } from '../domain/ids';
import { violation, type Db, type Sql } from './db';
import { IS_HELD, IS_PENDING, IS_RETRYING } from './live';

/**
 * The first and the last of ids, for a statement's `event_id between $1 and $2`: with it PostgreSQL leaves partitions out
 * before it opens them. It can't tell that from `= any($1)`, nor from a join, and a partition that is opened in vain
 * costs more than a row. Of no ids: an empty span.
 */
export function spanOf(ids: readonly string[]): readonly [string, string] {
  let [first = ''] = ids;
  let last = first;
  for (const id of ids) {
    if (id < first) first = id;
    if (id > last) last = id;
  }
  return [first, last];
}

/** Makes the weekly partitions of this week and the eight that follow; those that are there stay. */
export async function ensurePartitions(sql: Sql): Promise<void> {
  await sql.query({ text: `select ensure_partitions(now(), now() + interval '8 weeks')` });
}

/** The tables that have a partition for each week, in the order in which they are locked. */
const PARTITIONED = ['events', 'plans', 'deliveries', 'attempts', 'transformed_bodies'] as const;

/** Monday of a week, UTC, as the names of its partitions end: `20261116`. */
export type Week = string;

/** The weeks that are over, with the last of their ids, for `olderThanMs`; the oldest first. */
export async function oldWeeks(sql: Sql, olderThanMs: number): Promise<Week[]> {
  const rows = await sql.query<{ week: Week }>({
    text: `select distinct right(c.relname, 8) as week from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = any($1::regclass[]) and c.relname ~ '_[0-9]{8}$'
             and to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' + interval '7 days' <= now() - $2::float8 * interval '1 ms'
           order by week`,
    values: [`{${PARTITIONED.join(',')}}`, olderThanMs],
  });
  return rows.map(({ week }) => week);
}

/** What became of a week that was to go. */
export type Dropped = 'dropped' | 'unfinished' | 'busy';

/** A statement that waits for the tables' locks makes all that come after it wait: it waits no longer than this for each. */
const LOCK_WAIT_MS = 50;

/** SQLSTATEs of locks that were not got in time. */
const NOT_GOT: ReadonlySet<string> = new Set(['55P03', '40P01']);

/**
 * Drops a week with its events, plans, deliveries and attempts, all at once. `unfinished`: a delivery of it is not over, or
 * work of it waits in the outbox, and it stays. `busy`: somebody reads or writes the tables for longer than it may keep the
 * others waiting; to be tried again. It is looked at before anything is locked, and again when nobody can add to it any more.
 */
export async function dropWeek(db: Db, week: Week): Promise<Dropped> {
  if (!/^\d{8}$/.test(week)) throw new RangeError(`"${week}" is no week; one looks like 20261116`);
  try {
    return await db.transaction(async (trx) => {
      // The indexes that answer are tiny; a scan of the table would only find the same more slowly.
      await trx.query({ text: 'set local enable_seqscan = off' });
      const there = await trx.query<{ name: string }>({
        text: 'select name from unnest($1::text[]) with ordinality as given(name, n) where to_regclass(name) is not null order by n',
        values: [PARTITIONED.map((table) => `${table}_${week}`)],
      });
      const partitions = there.map(({ name }) => name);
      if (await isUnfinished(trx, week, partitions)) return 'unfinished';
      await trx.query({ text: `set local lock_timeout = ${LOCK_WAIT_MS}` });
      await trx.query({ text: `lock table ${[...PARTITIONED.map((table) => `only ${table}`), ...partitions].join(', ')} in access exclusive mode` });
      if (await isUnfinished(trx, week, partitions)) return 'unfinished';
      await trx.query({ text: `drop table ${partitions.join(', ')}` });
      return 'dropped';
    });
  } catch (error) {
    if (NOT_GOT.has(violation(error)?.code ?? '')) return 'busy';
    throw error;
  }
}

async function isUnfinished(sql: Sql, week: Week, partitions: readonly string[]): Promise<boolean> {
  const parts = [
    `exists (select from outbox where event_id >= id_floor('evt', $1::date::timestamp at time zone 'UTC')
             and event_id < id_floor('evt', $1::date::timestamp at time zone 'UTC' + interval '7 days'))`,
    ...partitions.filter((name) => name.startsWith('deliveries_')).flatMap((name) =>
      [IS_PENDING, IS_RETRYING, IS_HELD].map((isKind) => `exists (select from ${name} where ${isKind})`)),
    // First attempts are not among what waits: an open one says that its delivery is not over.
    ...partitions.filter((name) => name.startsWith('attempts_')).map((name) => `exists (select from ${name} where outcome is null)`),
  ];
  const [row] = await sql.query<{ unfinished: boolean }>({ text: `select ${parts.join(' or ')} as unfinished`, values: [week] });
  return row?.unfinished === true;
}

const DAY_MS = 86_400_000;
/** From a Monday, which the first of January 1970 was not, in days. */
const MONDAY = 3;

/** The week of an event's id. */
export function weekOf(eventId: string): Week {
  const day = Math.floor(madeAtMs(eventId) / DAY_MS);
  return new Date((day - ((day + MONDAY) % 7)) * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
}

/** SQLSTATE of a table that is not there. */
const UNDEFINED_TABLE = '42P01';

/**
 * Does `work` once for each week that rows are of, and answers what all of it answers. For statements that change rows of a
 * partitioned table which they find by joining them with others: where such a one names the parent, and has to wait for somebody
 * who changes one of the rows, PostgreSQL (18.4 at least) looks that row up again in the wrong partition, and those that follow too: they
 * are left out without an error. Of a week that was dropped nothing is answered.
 */
export async function inTheirWeeks<T extends { readonly eventId: string }, R>(
  rows: readonly T[], work: (week: Week, rows: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const weeks = new Map<Week, T[]>();
  for (const row of rows) {
    const week = weekOf(row.eventId);
    const some = weeks.get(week);
    if (some) some.push(row);
    else weeks.set(week, [row]);
  }
  const answers: R[] = [];
  for (const [week, some] of weeks) {
    try {
      answers.push(...await work(week, some));
    } catch (error) {
      if (violation(error)?.code !== UNDEFINED_TABLE) throw error;
    }
  }
  return answers;
}
