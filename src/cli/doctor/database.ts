import { createKeyRing, type KeyRing } from '../../seal';
import { openDb, type Sql } from '../../store/db';
import { migrationState } from '../../store/migrate';
import { countByKey, readSealedBy, SEALED_COLUMNS, type SealedColumn } from '../../store/sealed-columns';
import { messageOf } from '../exit-codes';
import { CLOCK_FAILURE_MS, CLOCK_WARNING_MS, type Finding, findings } from './finding';

/** What is looked at of PostgreSQL. */
export interface DatabaseToCheck {
  readonly url: string;
  /** Without it nothing sealed is opened. */
  readonly encryptionKeys: readonly string[] | undefined;
  /** Connections that each process may open. */
  readonly pool: number;
}

const OLDEST_POSTGRES = 150_000;
/** Of each column so many texts are opened: enough to see a key that has the right name and the wrong bytes. */
const SAMPLE = 50;

/** PostgreSQL: that it answers, its version, clock, places and tables, and that what is sealed in it opens. */
export async function checkDatabase({ url, encryptionKeys, pool }: DatabaseToCheck): Promise<Finding[]> {
  const db = openDb(url, 1);
  try {
    return [
      await checkServer(db, new URL(url)),
      await checkClock(db),
      await checkPlaces(db, pool),
      ...(await checkTables(db, encryptionKeys)),
    ];
  } catch (error) {
    const { host, username } = new URL(url);
    return [findings('PostgreSQL').failed(`${username}@${host}: ${messageOf(error)}`, 'start it, or mend DATABASE_URL: host, port, user, password, database')];
  } finally {
    await db.close();
  }
}

async function checkServer(sql: Sql, { host }: URL): Promise<Finding> {
  const { ok, failed, warning } = findings('PostgreSQL');
  const [row] = await sql.query<{ version: string; number: number; encoding: string; recovering: boolean }>({
    text: `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
             current_setting('server_encoding') as encoding, pg_is_in_recovery() as recovering`,
  });
  const { version = '', number = 0, encoding = '', recovering = false } = row ?? {};
  if (number < OLDEST_POSTGRES) return failed(`${version} at ${host}`, `use PostgreSQL ${OLDEST_POSTGRES / 10_000} or later`);
  if (encoding !== 'UTF8') return failed(`its database at ${host} has the encoding ${encoding}`, 'make a database with the encoding UTF8');
  if (recovering) return warning(`${version} at ${host} is a standby: nothing can be written`, 'name the primary in DATABASE_URL');
  return ok(`${version} at ${host}`);
}

async function checkClock(sql: Sql): Promise<Finding> {
  const { ok, warning, failed } = findings("PostgreSQL's clock");
  const asked = Date.now();
  const [row] = await sql.query<{ at: number }>({ text: 'select extract(epoch from clock_timestamp())::float8 * 1000 as at' });
  const answered = Date.now();
  const awayMs = Math.round((row?.at ?? 0) - (asked + answered) / 2);
  const detail = `${Math.abs(awayMs)} ms ${awayMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  const todo = 'have both machines set their clocks (NTP): signatures carry the time, and receivers refuse what is five minutes away';
  if (Math.abs(awayMs) >= CLOCK_FAILURE_MS) return failed(detail, todo);
  return Math.abs(awayMs) >= CLOCK_WARNING_MS ? warning(detail, todo) : ok(detail);
}

async function checkPlaces(sql: Sql, pool: number): Promise<Finding> {
  const { ok, warning } = findings('connections');
  const [row] = await sql.query<{ most: number; used: number }>({
    text: `select current_setting('max_connections')::int as most, (select count(*)::int from pg_stat_activity) as used`,
  });
  const { most = 0, used = 0 } = row ?? {};
  const detail = `${used} of ${most} are used; each of our processes opens up to ${pool} and one`;
  return used + pool > most ? warning(detail, 'raise max_connections, lower DATABASE_POOL, or put a pooler of sessions in between') : ok(detail);
}

async function checkTables(sql: Sql, encryptionKeys: readonly string[] | undefined): Promise<Finding[]> {
  const { ok, failed } = findings('migrations');
  const { done, missing, unknown } = await migrationState(sql);
  if (unknown.length > 0) return [failed(`the database knows ${unknown.join(', ')}, and this build does not`, 'run a build that is as new as the one that migrated it')];
  if (missing.length > 0) return [failed(`${missing.length} are missing, from ${missing[0]} on`, 'posthorn migrate')];
  return [ok(`all ${done.length} are applied`), await checkSealed(sql, encryptionKeys)];
}

async function checkSealed(sql: Sql, encryptionKeys: readonly string[] | undefined): Promise<Finding> {
  const { ok, warning, failed, skipped } = findings('encryption keys');
  if (!encryptionKeys) return skipped('POSTHORN_ENCRYPTION_KEYS is not set here');
  const keyRing = createKeyRing(encryptionKeys);
  const ids = encryptionKeys.map((entry) => entry.slice(0, entry.indexOf(':')));
  const counts = new Map<string, number>();
  for (const column of SEALED_COLUMNS) for (const [id, count] of await countByKey(sql, column)) counts.set(id, (counts.get(id) ?? 0) + Number(count));
  const strange = [...counts].filter(([id]) => !ids.includes(id)).map(([id, count]) => `${count} with "${id}"`);
  if (strange.length > 0) {
    return failed(`sealed with keys that are not in POSTHORN_ENCRYPTION_KEYS: ${strange.join(', ')}`, 'add those keys back: what they sealed can not be read without them');
  }
  for (const column of SEALED_COLUMNS) {
    const wrong = await firstThatStaysShut(sql, column, keyRing);
    if (wrong !== null) return failed(`${column.table}.${column.column} can not be opened: ${wrong}`, 'a key has the right id and the wrong bytes: put back the one that was used');
  }
  const old = ids.slice(1).filter((id) => (counts.get(id) ?? 0) > 0);
  if (old.length > 0) return warning(`what is stored opens, some of it with ${old.map((id) => `"${id}"`).join(', ')} alone`, 'posthorn rekey, before you take those keys away');
  return ok(`what is stored opens with "${ids[0]}"`);
}

/** Why a stored text can not be opened; null where all that were tried can. */
async function firstThatStaysShut(sql: Sql, column: SealedColumn, keyRing: KeyRing): Promise<string | null> {
  for (const { key, text } of await readSealedBy(sql, column, '', null, SAMPLE)) {
    const texts = column.holds === 'map' ? Object.entries(JSON.parse(text) as Record<string, string>) : [['', text] as const];
    try {
      for (const [name, sealed] of texts) keyRing.open(sealed, column.placeOf(key, name));
    } catch (error) {
      return messageOf(error);
    }
  }
  return null;
}
