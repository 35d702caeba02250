import type { Deps } from '../deps';
import { nextRamp, RAMP_START, type Ramp } from '../domain/ramp';
import { beginAttempts, countLastAttempt, readEvents, takeOverAttempt } from '../store/attempts';
import { hasLiveAttempts, headOfLane, nextInLane, type LaneHead, type LaneMode, type LaneRow, type LaneStream } from '../store/lane';
import { loadTarget, type RoutedEndpoint } from '../store/routing';
import { LEASE_MARGIN_MS } from './first-attempts';
import type { Gate } from './gate';
import type { BegunAttempt, Send } from './sender';

/** What serving a lane needs. */
export interface LaneParts {
  readonly deps: Deps;
  readonly gate: Gate;
  readonly send: Send;
  /** Whether this process was told to stop: a turn begins nothing more then, and ends with what is in flight. */
  readonly isStopping: () => boolean;
}

/** How a lane is to be served. */
export interface LaneOrder {
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly mode: LaneMode;
  /** How many of what is drained may be in flight; null: a drain that comes meanwhile begins with one. */
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
/** Rows of a drain that are read at once: few, since they may leave one at a time. */
const DRAIN_PAGE = 10;
/** An endpoint is read again for an attempt when what is known of it is older than this. */
const TARGET_MS = 100;
const PLACE_WAIT_MS = 1_000;
/** So many failures in a row at an endpoint that counts as well end a turn: its watcher looks whether it still does. */
const FAILURES_A_TURN = 5;
/** A stream that has nothing to send looks again so often while the other has. */
const IDLE_LOOK_MS = 250;
/** The head of a fifo lane is looked at so often while an earlier event is being planned. */
const BLOCKED_LOOK_MS = 20;
/** Whether other workers make live attempts is asked so often. */
const LIVE_LOOK_MS = 500;

/**
 * Sends what waits in an endpoint's lane, in event order, until nothing is due or the time is over. Of an endpoint that
 * takes events in any order, what is drained and what is not are two streams beside one another, each in event order, so
 * that what is new does not wait behind what was held. Runs one at a time per endpoint, so rows need no claim; an attempt
 * that a lost predecessor left open is waited for, then taken over.
 */
export async function serveLane(parts: LaneParts, order: LaneOrder, signal: AbortSignal): Promise<LaneReport> {
  const turn = new Turn(parts, order, signal);
  const target = await loadTarget(parts.deps.db, parts.deps.keyRing, order.endpointId);
  if (!target) return turn.report();
  const isOneOrder = order.mode !== 'all' || order.atMost !== null || target.policy.fifo;
  return turn.run(isOneOrder ? [null] : ['live', 'drain'], target.policy.fifo);
}

/** One turn of a lane: what its streams share. */
class Turn {
  private readonly endsAt: number;
  private ramp: Ramp | null;
  private sent = 0;
  private failedInRow = 0;
  private delivered = 0;
  /** Streams that have something to send. */
  private busy = 0;
  private idle: (() => void)[] = [];
  private liveLookAt = 0;
  private seen: { readonly target: RoutedEndpoint | null; readonly at: number } | null = null;
  private plannedBelow = '';

  constructor(private readonly parts: LaneParts, private readonly order: LaneOrder, private readonly signal: AbortSignal) {
    this.endsAt = performance.now() + order.forMs;
    this.ramp = order.ramp;
  }

  report(): LaneReport {
    return { sent: this.sent, delivered: this.delivered, ramp: this.ramp };
  }

  async run(streams: readonly (LaneStream | null)[], isFifo: boolean): Promise<LaneReport> {
    this.busy = streams.length;
    const ends = await Promise.allSettled(streams.map((stream) => this.serve(stream, isFifo).finally(() => this.leave())));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return this.report();
  }

  private isOpen(): boolean {
    const { atMost, mode } = this.order;
    const isWell = mode !== 'all' || this.failedInRow < FAILURES_A_TURN;
    return !this.signal.aborted && !this.parts.isStopping() && performance.now() < this.endsAt && isWell && (atMost === null || this.sent < atMost);
  }

  private async serve(stream: LaneStream | null, isFifo: boolean): Promise<void> {
    const inFlight = new Map<string, Promise<void>>();
    while (this.isOpen()) {
      const target = await this.look(isFifo);
      if (!target) break;
      const cap = this.capOf(stream, target);
      const rows = cap > inFlight.size ? await this.nextRows(stream, target, [...inFlight.keys()], cap - inFlight.size) : [];
      const sendable = rows.filter((row) => row.open === null || row.open.leaseMs < 0);
      if (sendable.length === 0 && inFlight.size === 0 && !(await this.rest())) break;
      const hasGoneOn = await this.send(stream, isFifo, sendable, inFlight);
      // Rows of which none could be begun are another's: they are looked at again, but not at once.
      if (sendable.length > 0 && inFlight.size === 0 && !hasGoneOn && !(await this.rest())) break;
      if (inFlight.size > 0 && (sendable.length === 0 || inFlight.size >= cap)) await Promise.race(inFlight.values());
    }
    await Promise.all(inFlight.values());
  }

  /** The endpoint as it is now: its URL, secrets, policy and status may have changed. Null: nothing may be sent in this way any more. */
  private async look(isFifo: boolean): Promise<RoutedEndpoint | null> {
    const { order, parts: { deps } } = this;
    const now = performance.now();
    if (!this.seen || now - this.seen.at > TARGET_MS) this.seen = { target: await loadTarget(deps.db, deps.keyRing, order.endpointId), at: now };
    const { target } = this.seen;
    return target && maySend(target, order.mode) && target.policy.fifo === isFifo ? target : null;
  }

  private capOf(stream: LaneStream | null, { policy }: RoutedEndpoint): number {
    if (policy.fifo) return 1;
    if (stream === 'live') return policy.maxInFlight;
    if (stream === 'drain') this.ramp ??= RAMP_START;
    return Math.min(policy.maxInFlight, this.ramp?.inFlight ?? Infinity);
  }

  /**
   * Begins attempts one after another, so that requests begin in the order of their events. Answers whether any was begun,
   * or would have been if there had been a place in time.
   */
  private async send(stream: LaneStream | null, isFifo: boolean, rows: readonly LaneRow[], inFlight: Map<string, Promise<void>>): Promise<boolean> {
    let hasGoneOn = false;
    for (const row of rows) {
      let target = await this.look(isFifo);
      while (target && inFlight.size >= this.capOf(stream, target) && this.isOpen()) {
        await Promise.race(inFlight.values());
        target = await this.look(isFifo);
      }
      if (!target) return true;
      if (!this.isOpen()) break;
      if (stream === 'drain') await this.lookForLive(target);
      const release = await this.parts.gate.enter(target.id, target.policy, PLACE_WAIT_MS, stream === 'drain' ? 'drain' : 'lane');
      if (!release) return true;
      const attempt = await begin(this.parts, target, row, release).catch((error: unknown) => {
        release();
        throw error;
      });
      if (!attempt) {
        release();
        continue;
      }
      hasGoneOn = true;
      this.sent += 1;
      const isRamped = stream !== 'live';
      const { maxInFlight } = target.policy;
      const sending = this.parts.send(attempt)
        .then((report) => this.count(report.verdict.outcome === 'ok', isRamped, maxInFlight))
        .finally(() => {
          release();
          inFlight.delete(row.id);
        });
      // The turn may end by another's fault before it hears of this one's; unheard, it would end the process.
      sending.catch(() => undefined);
      inFlight.set(row.id, sending);
    }
    return hasGoneOn;
  }

  private count(isDelivered: boolean, isRamped: boolean, maxInFlight: number): void {
    if (isDelivered) this.delivered += 1;
    this.failedInRow = isDelivered ? 0 : this.failedInRow + 1;
    if (isRamped && this.ramp) this.ramp = nextRamp(this.ramp, isDelivered, maxInFlight);
  }

  /** What is new may come to other workers alone, of whose gates this one knows nothing. */
  private async lookForLive(target: RoutedEndpoint): Promise<void> {
    const { deps, gate } = this.parts;
    if (gate.workers() === 1 || performance.now() < this.liveLookAt) return;
    this.liveLookAt = performance.now() + LIVE_LOOK_MS;
    if (await hasLiveAttempts(deps.db, target.id)) gate.noteLive(target.id);
  }

  private async nextRows(stream: LaneStream | null, target: RoutedEndpoint, inFlight: readonly string[], room: number): Promise<LaneRow[]> {
    const { order, parts: { deps } } = this;
    if (target.policy.fifo && order.mode !== 'held') return inFlight.length > 0 ? [] : this.nextHead();
    const page = stream === 'live' ? PAGE : stream === 'drain' ? Math.max(room, DRAIN_PAGE) : room;
    const limit = Math.min(page, order.atMost === null ? PAGE : order.atMost - this.sent);
    return nextInLane(deps.db, order.endpointId, order.mode, inFlight, limit, stream);
  }

  private async nextHead(): Promise<LaneRow[]> {
    for (;;) {
      const { row, isBlocked }: LaneHead = await headOfLane(this.parts.deps.db, this.order.workspaceId, this.order.endpointId, this.plannedBelow);
      if (row) this.plannedBelow = row.eventId;
      if (row || !isBlocked || !this.isOpen()) return row ? [row] : [];
      await pause(BLOCKED_LOOK_MS);
    }
  }

  /** Waits while another stream has something to send; false: none has, and the turn is over. */
  private async rest(): Promise<boolean> {
    this.leave();
    if (this.busy > 0 && this.isOpen()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, IDLE_LOOK_MS);
        this.idle.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    const goesOn = this.busy > 0 && this.isOpen();
    // Else the end counts it out once more.
    this.busy += 1;
    return goesOn;
  }

  private leave(): void {
    this.busy -= 1;
    if (this.busy <= 0) for (const wake of this.idle.splice(0)) wake();
  }
}

/** A held delivery is sent as a probe, and only while the endpoint is deactivated; everything else only while it is not. */
const maySend = (target: RoutedEndpoint, mode: LaneMode): boolean => (mode === 'held') === (target.status === 'DEACTIVATED');

/** Begins the attempt of a row; null where another has. */
async function begin({ deps }: LaneParts, target: RoutedEndpoint, row: LaneRow, release: () => void): Promise<BegunAttempt | null> {
  const number = (row.open?.number ?? row.attemptCount) + 1;
  const isProbe = row.status === 'HELD';
  const attempt = { eventId: row.eventId, id: row.id, attemptId: deps.newId('attempt'), number, leaseMs: target.policy.timeoutMs + LEASE_MARGIN_MS, isProbe };
  const isBegun = row.open ? await takeOverAttempt(deps.db, attempt) : (await beginAttempts(deps.db, [attempt])).has(row.id);
  if (!row.open && !isBegun) await countLastAttempt(deps.db, row);
  if (row.open && isBegun) deps.metrics.worker.attempts.unknown[target.dialect].add();
  const [event] = isBegun ? await readEvents(deps.db, [row.eventId]) : [];
  return event
    ? { event, target, deliveryId: row.id, number, failures: row.failures, byRetry: false, isProbe, isResend: row.isResend, release }
    : null;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
