/** Events that were stored and delivered long ago, so many that a table is large: copies of one that really went its way. */

/** A copy's columns: ids get the copy's time and number, times the copy's time; all else is the original's. */
const TABLES = [
  { table: 'events', of: 'id', ids: { id: 'evt' } },
  { table: 'plans', of: 'event_id', ids: { event_id: 'evt' } },
  { table: 'deliveries', of: 'event_id', ids: { event_id: 'evt', id: 'dlv' } },
  { table: 'attempts', of: 'event_id', ids: { event_id: 'evt', id: 'att', delivery_id: 'dlv' } },
];
const AT_ONCE = 50_000;

// As id_floor() makes it, but inline: it is called a million times. What follows the time are digits of a hash, all of the alphabet.
const TIME_DIGITS = Array.from({ length: 10 }, (_, place) => `substr('0123456789abcdefghjkmnpqrstvwxyz', ((ms >> ${45 - 5 * place}) & 31)::int + 1, 1)`).join(' || ');

/**
 * Stores `count` copies of a delivered event with its plan, delivery and attempt, evenly over `days` until yesterday, in the weekly
 * partitions that a deployment of that age would have; then lets PostgreSQL count them.
 * @param {import('pg').Pool} db
 * @param {{ eventId: string, count: number, days: number, progress: (line: string) => void, check: () => void }} options
 */
export async function storeCopies(db, { eventId, count, days, progress, check }) {
  await db.query(`select ensure_partitions(now() - ($1 + 1) * interval '1 day', now())`, [days]);
  const inserts = await Promise.all(TABLES.map((one) => insertOf(db, one)));
  for (let from = 0; from < count; from += AT_ONCE) {
    check();
    progress(`  ${from.toLocaleString('en')} of ${count.toLocaleString('en')} stored`);
    for (const text of inserts) await db.query(text, [eventId, from, Math.min(count, from + AT_ONCE) - 1, count, days]);
  }
  progress('  vacuum analyze');
  for (const { table } of TABLES) await db.query(`vacuum (analyze) ${table}`);
  await db.query('checkpoint').catch(() => undefined);
}

/** The columns are asked for, so that a copy is whole whatever a migration adds. */
async function insertOf(db, { table, of, ids }) {
  const { rows } = await db.query(
    `select column_name as name, data_type like 'timestamp%' as is_time from information_schema.columns
     where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER' and is_identity = 'NO' order by ordinal_position`, [table],
  );
  const value = ({ name, is_time: isTime }) => {
    if (ids[name]) return `'${ids[name]}_' || ulid`;
    return isTime ? `case when o.${name} is not null then at end` : `o.${name}`;
  };
  return `with copies as materialized (
      select n, now() - ($5::float8 * interval '1 day') * (1 - n::float8 / $4::float8) - interval '1 day' as at from generate_series($2::int, $3::int) n
    ), timed as (select n, at, floor(extract(epoch from at) * 1000)::bigint as ms from copies),
    named as (select at, ${TIME_DIGITS} || substr(md5(n::text), 1, 16) as ulid from timed)
    insert into ${table} (${rows.map(({ name }) => name).join(', ')})
    select ${rows.map(value).join(', ')} from named, (select * from ${table} where ${of} = $1 limit 1) o`;
}
