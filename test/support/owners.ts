import type { Db } from '../../src/store/db';

/** Something of which somebody must take care, at the moment of a look: a name, and how long an attempt of it may take. */
export interface Ownerless {
  readonly what: string;
  readonly timeoutMs: number;
}

/** A look at what has no owner. */
export interface OwnerLook {
  readonly atMs: number;
  /** Whether PostgreSQL and Temporal were there at the look, and had been since the one before. */
  readonly isUp: boolean;
  readonly ownerless: readonly Ownerless[];
}

/** For longer than its timeout and this nothing stays without an owner. */
const PATIENCE_MS = 60_000;

/** What stood without an owner for longer than it may, in looks in a row while everything was up. */
export function ownerless(looks: readonly OwnerLook[]): string[] {
  const since = new Map<string, number>();
  const found = new Map<string, string>();
  for (const { atMs, isUp, ownerless: rows } of looks) {
    const seen = new Set(isUp ? rows.map(({ what }) => what) : []);
    for (const what of since.keys()) if (!seen.has(what)) since.delete(what);
    for (const { what, timeoutMs } of isUp ? rows : []) {
      const beganMs = since.get(what) ?? atMs;
      since.set(what, beganMs);
      if (atMs - beganMs > timeoutMs + PATIENCE_MS) found.set(what, `${what} has been without an owner for ${Math.round(atMs - beganMs)} ms`);
    }
  }
  return [...found.values()];
}

/**
 * What of the database has no owner now: events without a plan or a row in the outbox, attempts whose lease is over, retries
 * that are due and nobody makes, and lanes of well endpoints from which something could leave and nothing does.
 */
export async function lookForOwnerless(db: Db): Promise<Ownerless[]> {
  const rows = await db.query<{ what: string; timeout_ms: number }>({
    text: `
      select 'event ' || e.id as what, 0 as timeout_ms from events e
      where not exists (select 1 from plans p where p.event_id = e.id)
        and not exists (select 1 from outbox o where o.kind = 'event' and o.event_id = e.id)
      union all
      select 'attempt ' || a.delivery_id || ' ' || a.number, 30000 from attempts a where a.outcome is null and a.lease_until < now()
      union all
      select 'retry ' || d.id || ' ' || d.attempt_count, 30000 from deliveries d
      where d.status = 'RETRYING' and d.way = 'retry' and d.next_attempt_at < now()
        and not exists (select 1 from attempts a where a.event_id = d.event_id and a.delivery_id = d.id and a.outcome is null)
      union all
      select 'lane ' || e.id, 30000 from endpoints e
      where e.status = 'ACTIVE'
        and exists (select 1 from deliveries d where d.endpoint_id = e.id and d.way = 'lane'
                    and (d.status = 'PENDING' or d.status = 'RETRYING' and d.next_attempt_at < now()))
        and not exists (select 1 from attempts a where a.endpoint_id = e.id and (a.outcome is null or a.started_at > now() - interval '5 seconds'))`,
  });
  return rows.map(({ what, timeout_ms: timeoutMs }) => ({ what, timeoutMs }));
}
