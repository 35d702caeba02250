import { AppError } from '../errors';
import { isDatabaseAway, type Db } from '../store/db';
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

interface Waiting {
  readonly event: NewEvent;
  readonly resolve: (inserted: InsertedEvent) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Group commit: while `statements` statements are under way, the events of further requests gather, and the next
 * statement takes them all. Alone, an event is stored at once. One commit then pays for many requests, and none is
 * answered before its own commit.
 */
export function createPublisher(db: Db, announce: () => void, limits: PublisherLimits = LIMITS): Publisher {
  let waiting: Waiting[] = [];
  let underWay = 0;

  const store = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const inserted = await insertEvents(db, group.map(({ event }) => event));
      announce();
      group.forEach(({ resolve }, n) => resolve(inserted[n] as InsertedEvent));
    } catch (error) {
      await settleOneByOne(group, error);
    }
  };
  // One event that the database refuses must not take others with it. When the database is away nobody is helped by a second go.
  const settleOneByOne = async (group: readonly Waiting[], error: unknown): Promise<void> => {
    if (group.length > 1 && !isDatabaseAway(error)) {
      for (const one of group) await store([one]);
    } else {
      for (const { reject } of group) reject(error);
    }
  };
  const pump = (): void => {
    while (waiting.length > 0 && underWay < limits.statements) {
      const group = waiting.splice(0, limits.batch);
      underWay++;
      void store(group).finally(() => {
        underWay--;
        pump();
      });
    }
  };

  return {
    publish: (event) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= limits.waiting) {
          reject(new AppError('too_many_requests', `More than ${limits.waiting} events wait to be stored. Try again shortly.`, [], 1));
          return;
        }
        waiting.push({ event, resolve, reject });
        pump();
      }),
  };
}
