import type { Deps } from '../deps';
import { nextRamp, type Ramp } from '../domain/ramp';
import { beginAttempts, readEvents, takeOverAttempt } from '../store/attempts';
import { headOfLane, nextInLane, type LaneMode, type LaneRow } from '../store/lane';
import { loadTarget, type RoutedEndpoint } from '../store/routing';
import { LEASE_MARGIN_MS } from './first-attempts';
import type { Gate } from './gate';
import type { BegunAttempt, Send } from './sender';

/** What serving a lane needs. */
export interface LaneParts {
  readonly deps: Deps;
  readonly gate: Gate;
  readonly send: Send;
}

/** How a lane is to be served. */
export interface LaneOrder {
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly mode: LaneMode;
  /** Null: up to the endpoint's own cap at once. */
  readonly ramp: Ramp | null;
  /** At most so many requests; null: as many as fit into the time. */
  readonly atMost: number | null;
  /** No request is begun after this. */
  readonly forMs: number;
}

/** What came of it. */
export interface LaneReport {
  readonly sent: number;
  readonly delivered: number;
  readonly ramp: Ramp | null;
}

/** Rows that are read at once: enough to keep a fast endpoint busy between two reads. */
const PAGE = 50;
const PLACE_WAIT_MS = 1_000;
/** So many failures in a row at an endpoint that counts as well end a turn: its watcher looks whether it still does. */
const FAILURES_A_TURN = 5;

/**
 * Sends what waits in an endpoint's lane, in event order, until nothing is due or the time is over. Runs one at a time
 * per endpoint, so rows need no claim; an attempt that a lost predecessor left open is waited for, then taken over.
 */
export async function serveLane(parts: LaneParts, order: LaneOrder, signal: AbortSignal): Promise<LaneReport> {
  const { deps } = parts;
  const endsAt = performance.now() + order.forMs;
  const inFlight = new Map<string, Promise<void>>();
  let ramp = order.ramp;
  let sent = 0;
  let delivered = 0;
  let failedInRow = 0;

  const isOpen = (): boolean =>
    !signal.aborted && performance.now() < endsAt && (order.mode !== 'all' || failedInRow < FAILURES_A_TURN) && (order.atMost === null || sent < order.atMost);
  while (isOpen()) {
    // Read live at each page: its URL, secrets, policy and status may have changed.
    const target = await loadTarget(deps.db, deps.keyRing, order.endpointId);
    if (!target || !maySend(target, order.mode)) break;
    const cap = Math.min(target.policy.maxInFlight, ramp?.inFlight ?? Infinity, target.policy.fifo ? 1 : Infinity);
    const room = Math.min(cap - inFlight.size, order.atMost === null ? PAGE : order.atMost - sent);
    const rows = room > 0 ? await nextRows(parts, order, target, [...inFlight.keys()], ramp || target.policy.fifo ? room : PAGE) : [];
    const sendable = rows.filter((row) => row.open === null || row.open.leaseMs < 0);
    if (sendable.length === 0 && inFlight.size === 0) break;
    const sentBefore = sent;
    for (const row of sendable) {
      while (inFlight.size >= cap && isOpen()) await Promise.race(inFlight.values());
      if (!isOpen()) break;
      const release = await parts.gate.enter(target.id, target.policy, PLACE_WAIT_MS, 'lane');
      if (!release) break;
      // One after another, so that requests begin in the order of their events, however many are in flight.
      const begun = await begin(parts, target, row, release).catch((error: unknown) => {
        release();
        throw error;
      });
      if (!begun) {
        release();
        continue;
      }
      sent += 1;
      const attempt = parts.send(begun)
        .then((report) => {
          const isDelivered = report.verdict.outcome === 'ok';
          if (isDelivered) delivered += 1;
          failedInRow = isDelivered ? 0 : failedInRow + 1;
          if (ramp) ramp = nextRamp(ramp, isDelivered, target.policy.maxInFlight);
        })
        .finally(() => {
          release();
          inFlight.delete(row.id);
        });
      // The turn may end by another's fault before it hears of this one's; unheard, it would end the process.
      attempt.catch(() => undefined);
      inFlight.set(row.id, attempt);
    }
    // Rows of which none could be begun are another's: the next turn looks at them again.
    if (inFlight.size === 0 && sent === sentBefore) break;
    if (inFlight.size > 0 && (sendable.length === 0 || inFlight.size >= cap)) await Promise.race(inFlight.values());
  }
  await Promise.all(inFlight.values());
  return { sent, delivered, ramp };
}

/** A held delivery is sent as a probe, and only while the endpoint is deactivated; everything else only while it is not. */
const maySend = (target: RoutedEndpoint, mode: LaneMode): boolean => (mode === 'held') === (target.status === 'DEACTIVATED');

async function nextRows({ deps }: LaneParts, order: LaneOrder, target: RoutedEndpoint, inFlight: readonly string[], limit: number): Promise<LaneRow[]> {
  if (!target.policy.fifo || order.mode === 'held') {
    return nextInLane(deps.db, order.endpointId, order.mode, inFlight, limit, order.ramp === null);
  }
  if (inFlight.length > 0) return [];
  const head = await headOfLane(deps.db, order.workspaceId, order.endpointId);
  return head ? [head] : [];
}

/** Begins the attempt of a row; null where another has. */
async function begin({ deps }: LaneParts, target: RoutedEndpoint, row: LaneRow, release: () => void): Promise<BegunAttempt | null> {
  const number = (row.open?.number ?? row.attemptCount) + 1;
  const attempt = { eventId: row.eventId, id: row.id, attemptId: deps.newId('attempt'), number, leaseMs: target.policy.timeoutMs + LEASE_MARGIN_MS };
  const isBegun = row.open ? await takeOverAttempt(deps.db, attempt) : (await beginAttempts(deps.db, [attempt])).has(row.id);
  if (row.open && isBegun) deps.metrics.worker.attempts.unknown[target.dialect].add();
  const [event] = isBegun ? await readEvents(deps.db, [row.eventId]) : [];
  return event
    ? { event, target, deliveryId: row.id, number, failures: row.failures, byRetry: false, isProbe: row.status === 'HELD', isResend: row.isResend, release }
    : null;
}
