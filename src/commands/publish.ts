import { AppError } from '../errors';
import { createGroupCommit } from '../group-commit';
import { isDatabaseAway, type Sql } from '../store/db';
import { insertEvents, type InsertedEvent, type NewEvent } from '../store/event-insert';

/** Stores events that concurrent requests publish. */
export interface Publisher {
  /**
   * Stores one event; resolves after its commit.
   * @throws AppError 429 when more events wait than can be stored soon; and what the database throws.
   */
  publish(event: NewEvent): Promise<InsertedEvent>;
}

/** What it costs at most: statements under way, events in one of them, events that wait. */
export interface PublisherLimits {
  readonly statements: number;
  readonly batch: number;
  readonly waiting: number;
}

const LIMITS: PublisherLimits = { statements: 3, batch: 200, waiting: 10_000 };

type Settled = { readonly inserted: InsertedEvent } | { readonly failure: unknown };

/** Group commit: one statement stores what concurrent requests publish, and none is answered before its own commit. */
export function createPublisher(sql: Sql, announce: () => void, limits: PublisherLimits = LIMITS): Publisher {
  const store = async (events: readonly NewEvent[]): Promise<readonly Settled[]> => {
    try {
      const inserted = await insertEvents(sql, events);
      announce();
      return inserted.map((one) => ({ inserted: one }));
    } catch (failure) {
      // When the database is away, nobody is helped by a second go; else one event that it refuses must not take others with it.
      if (events.length === 1 || isDatabaseAway(failure)) return events.map(() => ({ failure }));
      const settled: Settled[] = [];
      for (const event of events) settled.push(...(await store([event])));
      return settled;
    }
  };
  const group = createGroupCommit<NewEvent, Settled>({ writers: limits.statements, largest: limits.batch }, store);
  let waiting = 0;

  return {
    async publish(event) {
      if (waiting >= limits.waiting) {
        throw new AppError('too_many_requests', `More than ${limits.waiting} events wait to be stored. Try again shortly.`, [], 1);
      }
      waiting++;
      try {
        const settled = await group.add(event);
        if ('failure' in settled) throw settled.failure;
        return settled.inserted;
      } finally {
        waiting--;
      }
    },
  };
}
