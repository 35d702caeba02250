import type { Deps } from '../deps';
import type { Sql } from '../store/db';

/** Keeps an eye on this process's clock, which stands in each signature: receivers refuse what is five minutes off. */
export interface ClockWatch {
  /** Fulfilled when the clock has gone wrong: by more than {@link MOST_SKEW_MS}. */
  readonly wrong: Promise<void>;
  stop(): void;
}

/** A clock that differs from PostgreSQL's by more than this is wrong. Theirs decides what is due, and all processes share it. */
export const MOST_SKEW_MS = 60_000;
const LOOK_MS = 5_000;

/** By how much PostgreSQL's clock is ahead of ours, in ms; at least: what the question took is in favour of ours. */
export async function readSkew(sql: Sql): Promise<number> {
  const askedAt = Date.now();
  const since = performance.now();
  const [row] = await sql.query<{ ms: number }>({ text: 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms' });
  const halfMs = (performance.now() - since) / 2;
  const skew = (row?.ms ?? askedAt) - (askedAt + halfMs);
  return Math.sign(skew) * Math.max(0, Math.abs(skew) - halfMs);
}

/** Waits until the clock is right, then goes on looking, every so often. What PostgreSQL does not answer says nothing. */
export async function watchClock({ db, log, metrics }: Pick<Deps, 'db' | 'log' | 'metrics'>, everyMs = LOOK_MS): Promise<ClockWatch> {
  let skewMs: number | null = null;
  metrics.worker.clockSkew.ask = () => skewMs && skewMs / 1_000;
  const isWrong = async (): Promise<boolean> => {
    skewMs = await readSkew(db).catch(() => skewMs);
    if (Math.abs(skewMs ?? 0) <= MOST_SKEW_MS) return false;
    log.error({ skewSeconds: Math.round((skewMs ?? 0) / 1_000) }, 'worker.clock_wrong');
    return true;
  };
  while (await isWrong()) await new Promise((resolve) => setTimeout(resolve, everyMs));

  let timer: NodeJS.Timeout | undefined;
  const wrong = new Promise<void>((resolve) => {
    timer = setInterval(() => void isWrong().then((now) => now && resolve()), everyMs);
  });
  return { wrong, stop: () => clearInterval(timer) };
}
