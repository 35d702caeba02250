import type { Outcome } from '../domain/attempt';
import type { DialectName } from '../domain/dialect';
import type { Event } from '../domain/event';
import type { Metrics } from '../metrics/metrics';
import type { Recorded } from '../store/record';

/** An attempt that is recorded, with its moments in ms by `performance.now()`. */
export interface WatchedAttempt {
  readonly event: Pick<Event, 'createdAt'>;
  readonly dialect: DialectName;
  readonly outcome: Outcome;
  /** The first of a delivery that was planned with its event: one that sends an old event again tells nothing of our speed. */
  readonly isFirst: boolean;
  readonly isResend: boolean;
  /** By the clock of the day, as the event's own time is. */
  readonly startedAt: Date;
  readonly beganAtMs: number;
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
  readonly recordedAtMs: number;
  readonly recorded: Recorded | null;
}

/** Counts an attempt that is over. */
export function countAttempt({ stages, attempts, attemptDuration, firstAttempt, delivered }: Metrics['worker'], attempt: WatchedAttempt): void {
  const { outcome, beganAtMs, sentAtMs, answeredAtMs, recordedAtMs } = attempt;
  const sinceCommitMs = attempt.startedAt.getTime() - attempt.event.createdAt.getTime();
  stages.sign.observeMs(sentAtMs - beganAtMs);
  stages.post.observeMs(answeredAtMs - sentAtMs);
  stages.record.observeMs(recordedAtMs - answeredAtMs);
  attempts[outcome][attempt.dialect].add();
  attemptDuration[outcome].observeMs(answeredAtMs - sentAtMs);
  if (attempt.isFirst) firstAttempt.observeMs(sinceCommitMs);
  if (attempt.recorded?.status === 'DELIVERED' && !attempt.isResend) delivered.observeMs(sinceCommitMs + answeredAtMs - beganAtMs);
}
