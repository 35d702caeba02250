import type { Event } from '../domain/event';
import type { EventPlan } from '../store/plan';
import type { Recorded } from '../store/record';
import type { Feed } from './feed';
import type { Finished } from './recorder';
import type { Tally } from './tally';

/** Is told of what a worker has planned and recorded, when it is committed: for the counts by hour, and for those who watch. */
export interface Witness {
  planned(events: readonly Event[], plans: readonly EventPlan[], mine: ReadonlySet<string>): void;
  recorded(event: Pick<Event, 'createdAt'>, attempt: Finished, recorded: Recorded | null): void;
  /** A delivery was given up because it was held for too long. */
  expired(workspaceId: string, endpointId: string): void;
}

/** A witness that counts in a tally and tells a feed. */
export function createWitness(tally: Tally, feed: Feed, now: () => number = Date.now): Witness {
  return {
    planned(events, plans, mine) {
      const [first] = events;
      if (!first || mine.size === 0) return;
      const { workspaceId } = first;
      const nowMs = now();
      tally.events(workspaceId, events.filter((event) => mine.has(event.id)).map((event) => event.createdAt.getTime()));
      const types = feed.isWatched(workspaceId) ? new Map(events.map((event) => [event.id, event.type])) : null;
      if (types) feed.events(workspaceId, mine.size);
      for (const { eventId, deliveries } of plans) {
        if (!mine.has(eventId)) continue;
        for (const { id, endpointId, status, attempt } of deliveries) {
          tally.owed(workspaceId, endpointId, nowMs);
          // What is attempted at once is told with its attempt.
          if (!types || attempt) continue;
          feed.delivery(workspaceId, {
            id, eventId, eventType: types.get(eventId) ?? '', endpointId, status, attemptNumber: 0, outcome: null, statusCode: null, durationMs: null,
          });
        }
      }
    },
    recorded(event, attempt, recorded) {
      // Recorded by another, or the delivery had ended: then that is counted, not this.
      if (!recorded) return;
      const { workspaceId, endpointId, durationMs, outcome } = attempt;
      const { status } = recorded;
      const isFirstDelivery = status === 'DELIVERED' && !attempt.isResend;
      const latencyMs = isFirstDelivery ? Math.max(0, attempt.startedAt.getTime() - event.createdAt.getTime() + durationMs) : null;
      tally.attempt({ workspaceId, endpointId, isOk: outcome === 'ok', durationMs, status, latencyMs }, now());
      if (!feed.isWatched(workspaceId)) return;
      feed.delivery(workspaceId, {
        id: attempt.deliveryId, eventId: attempt.eventId, eventType: attempt.eventType, endpointId, status,
        attemptNumber: attempt.number, outcome, statusCode: attempt.statusCode, durationMs: Math.round(durationMs),
      });
    },
    expired: (workspaceId, endpointId) => tally.expired(workspaceId, endpointId, now()),
  };
}
