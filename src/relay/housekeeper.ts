import type { Deps } from '../deps';
import { AUDIT_DAYS, keptMs } from '../domain/retention';
import type { Db, Sql } from '../store/db';
import { filesNamedByObjects, nextOldFiles, removeFiles } from '../store/files';
import { removeOldJobs } from '../store/jobs';
import { dropWeek, ensurePartitions, oldWeeks } from '../store/partitions';
import { policiesInUse, SLICE, sweepAnswers, sweepAudit, sweepExternalIds, sweepStats, type Sweep } from '../store/retention';

/** Removes what is too old, every so often. */
export interface Housekeeper {
  stop(): Promise<void>;
}

/** How often all workers together keep house; each tries, one succeeds. */
export const KEEP_HOUSE_EVERY_MS = 3_600_000;
/** The first time, and between two tries of a week whose tables were busy. */
const FIRST_AFTER_MS = 60_000;
const BUSY_TRIES = 5;
const BUSY_PAUSE_MS = 2_000;
/** Between two slices of a sweep, so that it takes a share of the machine only. */
const PAUSE_MS = 20;
const FILES_AT_ONCE = 50;
/** A link that an event carried is good for 24 hours: a file outlives the last event by as much. */
const LINK_DAYS = 1;
/** What refers to files is looked through once in so many turns: once a day. */
const FILE_TURNS = 24;

/** Only one worker keeps house at a time. */
const HOUSEKEEPER_LOCK = 'posthorn.housekeeper';

/** Starts to keep house: soon after the start, then every `everyMs`. */
export function startHousekeeper(deps: Deps, everyMs = KEEP_HOUSE_EVERY_MS): Housekeeper {
  const stopping = new AbortController();
  let turn = 0;
  let working: Promise<void> = Promise.resolve();
  const work = (): void => {
    working = keepHouse(deps, { turn, signal: stopping.signal })
      .then(() => undefined, (error: unknown) => deps.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'housekeeper.failed'));
    turn += 1;
  };
  let timer = setTimeout(function again() {
    void working.then(() => {
      if (stopping.signal.aborted) return;
      work();
      timer = setTimeout(again, everyMs);
    });
  }, Math.min(FIRST_AFTER_MS, everyMs));

  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await working;
    },
  };
}

/** What a turn is told. */
export interface Turn {
  /** Counted from 0; files are looked at in one of 24. */
  readonly turn?: number;
  /** Aborted: it ends after the statement that is under way. */
  readonly signal?: AbortSignal;
}

/** What a turn removed, by what it was. */
export interface Kept {
  readonly weeks: readonly string[];
  /** Weeks that are old enough and stay, since a delivery is not over, or the tables were busy; each turn looks again. */
  readonly stay: readonly string[];
  readonly rows: number;
  readonly files: number;
}

/**
 * One turn: partitions for the coming weeks, and away with what is too old, in small statements with pauses. Null: another
 * worker is at it, which the lock of an otherwise idle transaction says.
 */
export function keepHouse(deps: Deps, { turn = 0, signal = new AbortController().signal }: Turn = {}): Promise<Kept | null> {
  const { db, log, config: { RETENTION_DAYS: days } } = deps;
  return db.transaction(async (trx: Sql) => {
    const [lock] = await trx.query<{ taken: boolean }>({ text: 'select pg_try_advisory_xact_lock(hashtext($1)) as taken', values: [HOUSEKEEPER_LOCK] });
    if (!lock?.taken) return null;
    await ensurePartitions(db);
    let rows = 0;
    for (const sweep of [sweepAnswers, sweepExternalIds(days), sweepAudit(AUDIT_DAYS), sweepStats(days)]) rows += await removeAll(db, sweep, signal);
    await removeOldJobs(db, days);
    const files = turn % FILE_TURNS === 0 ? await removeUnusedFiles(db, days + LINK_DAYS, signal) : 0;
    const { weeks, stay } = await dropOldWeeks(deps, signal);
    if (rows > 0 || files > 0 || weeks.length > 0) log.info({ rows, files, weeks }, 'housekeeper.removed');
    return { rows, files, weeks, stay };
  });
}

async function removeAll(db: Db, sweep: Sweep, signal: AbortSignal): Promise<number> {
  let removed = 0;
  while (!signal.aborted) {
    const count = await sweep(db);
    removed += count;
    if (count < SLICE) break;
    await pause(PAUSE_MS, signal);
  }
  return removed;
}

/** Removes the files of that age which no object's attributes name any more. */
async function removeUnusedFiles(db: Db, days: number, signal: AbortSignal): Promise<number> {
  let removed = 0;
  for (let old = await nextOldFiles(db, days, ''); old && !signal.aborted; old = await nextOldFiles(db, days, old.workspaceId)) {
    const unused = new Set(old.ids);
    let after: string | null = '';
    while (after !== null && unused.size > 0) {
      if (signal.aborted) return removed;
      const named: Awaited<ReturnType<typeof filesNamedByObjects>> = await filesNamedByObjects(db, old.workspaceId, after);
      named.ids.forEach((id) => unused.delete(id));
      after = named.next;
      await pause(PAUSE_MS, signal);
    }
    for (const ids of slices([...unused], FILES_AT_ONCE)) removed += await removeFiles(db, { workspaceId: old.workspaceId, ids });
  }
  return removed;
}

const slices = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));

async function dropOldWeeks({ db, log, config }: Deps, signal: AbortSignal): Promise<{ weeks: string[]; stay: string[] }> {
  const weeks: string[] = [];
  const stay: string[] = [];
  for (const week of await oldWeeks(db, keptMs(config.RETENTION_DAYS, await policiesInUse(db)))) {
    let outcome = await dropWeek(db, week);
    for (let tries = 1; outcome === 'busy' && tries < BUSY_TRIES && !signal.aborted; tries++) {
      await pause(BUSY_PAUSE_MS, signal);
      outcome = await dropWeek(db, week);
    }
    (outcome === 'dropped' ? weeks : stay).push(week);
    if (outcome !== 'dropped') log.info({ week, why: outcome }, 'housekeeper.week_stays');
    if (signal.aborted) break;
  }
  return { weeks, stay };
}

/** Waits so long, or until there is no more time for it. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
