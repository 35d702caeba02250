import type { Deps } from '../deps';
import type { Event } from '../domain/event';
import type { Metrics } from '../metrics/metrics';
import type { OnOutbox } from '../store/outbox';
import { savePlans, wakesWatcher, type EventPlan, type PlannedDelivery } from '../store/plan';
import type { RoutedEndpoint } from '../store/routing';
import { failpoint } from '../failpoint';
import type { Gate } from './gate';
import type { Pace } from './pace';
import type { Recorder } from './recorder';
import type { RoutingCache, WorkspaceRouting } from './routing-cache';
import type { AttemptReport, Send } from './sender';
import { tracePlans } from './trace';
import type { Witness } from './witness';

/** How long a first attempt waits for a place in flight and a token before its delivery goes to the endpoint lane. */
const PLACE_WAIT_MS = 250;
/** A lease outlasts the attempt by this much. */
export const LEASE_MARGIN_MS = 5_000;
/** An attempt is begun only while its lease has the timeout and this much left. */
const LEASE_REST_MS = 1_000;

const DRAIN_LOOK_MS = 20;

/** What becomes of one event: its plan, then its first attempts. */
export interface Run {
  readonly event: Event;
  /** Whether this process has planned it; resolves to false where another had before. */
  readonly planned: Promise<boolean>;
  /** First attempts under way or over, by delivery; complete when `planned` has resolved. Null: none was begun after all. */
  readonly attempts: ReadonlyMap<string, Promise<AttemptReport | null>>;
  /** Resolves when the first attempts are over. */
  readonly done: Promise<void>;
}

/** Plans events and makes their first attempts: for the relay (the head start) and for the workflow's activities alike. */
export interface FirstAttempts {
  /** Plans events of one workspace together and begins their first attempts. */
  begin(events: readonly Event[], revision: number): Run[];
  /** The run of an event that is under way in this process. */
  underWay(eventId: string): Run | undefined;
  /** Waits until no run is under way, at most so long. */
  drain(forMs: number): Promise<void>;
}

interface Parts {
  readonly deps: Deps;
  readonly routings: RoutingCache;
  readonly gate: Gate;
  readonly pace: Pace;
  readonly send: Send;
  readonly recorder: Recorder;
  readonly witness: Witness;
  readonly onOutbox: OnOutbox;
}

/** The runs of this process. A finished run is kept until its workflow has had time to join it. */
export function createFirstAttempts(parts: Parts): FirstAttempts {
  const runs = new Map<string, Run>();
  return {
    begin(events, revision) {
      const saved = saveAll(parts, events, revision);
      return events.map((event) => {
        const run = startRun(parts, event, saved);
        runs.set(event.id, run);
        void run.done.then(() => runs.get(event.id) === run && runs.delete(event.id));
        return run;
      });
    },
    underWay: (eventId) => runs.get(eventId),
    async drain(forMs) {
      const until = performance.now() + forMs;
      while (runs.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
    },
  };
}

interface Saved {
  readonly routing: WorkspaceRouting;
  readonly plans: ReadonlyMap<string, EventPlan>;
  readonly mine: ReadonlySet<string>;
  readonly at: number;
}

async function saveAll(parts: Parts, events: readonly Event[], revision: number): Promise<Saved | null> {
  const [startedAt, plannedFrom] = [performance.now(), parts.deps.now()];
  const [first] = events;
  const routing = first && (await parts.routings.get(first.workspaceId, revision));
  if (!routing) return null;
  const plans = events.map((event) => planEvent(parts, event, routing));
  const at = performance.now();
  const mine = await savePlans(parts.deps.db, plans);
  countPlans(parts.deps.metrics.worker, plans, mine, performance.now() - startedAt);
  parts.witness.planned(events, plans, mine);
  if (plans.some(({ eventId, deliveries }) => mine.has(eventId) && deliveries.some(wakesWatcher))) parts.onOutbox();
  tracePlans(parts.deps.tracing, events.filter(({ id }) => mine.has(id)), plans, plannedFrom);
  failpoint('after-plan');
  return { routing, plans: new Map(plans.map((plan) => [plan.eventId, plan])), mine, at };
}

function countPlans({ stages, planned, finished }: Metrics['worker'], plans: readonly EventPlan[], mine: ReadonlySet<string>, durationMs: number): void {
  stages.plan.observeMs(durationMs, mine.size);
  planned.add(mine.size);
  for (const { eventId, deliveries } of plans) {
    for (const { status } of deliveries) if (status === 'CANCELLED' && mine.has(eventId)) finished.cancelled.add();
  }
}

/** Decides what an event is owed to, and which way each delivery goes. */
function planEvent({ deps, gate, pace }: Parts, event: Event, routing: WorkspaceRouting): EventPlan {
  const deliveries = routing.ruleSet.owedTo(event).flatMap((endpointId) => {
    const endpoint = routing.endpoints.get(endpointId);
    return endpoint ? [planDelivery(deps, event, endpoint, gate, pace)] : [];
  });
  return { eventId: event.id, workspaceId: event.workspaceId, deliveries };
}

function planDelivery(deps: Deps, event: Event, endpoint: RoutedEndpoint, gate: Gate, pace: Pace): PlannedDelivery {
  const { policy } = endpoint;
  const base = {
    id: deps.newId('delivery'), eventId: event.id, workspaceId: event.workspaceId, endpointId: endpoint.id,
    status: 'PENDING', reason: null, way: 'lane', holdForMs: null, attempt: null,
  } as const;
  if (endpoint.status === 'DEACTIVATED') {
    return policy.discardWhileDeactivated
      ? { ...base, status: 'CANCELLED', reason: 'discarded' }
      : { ...base, status: 'HELD', reason: 'endpoint_deactivated', holdForMs: policy.holdForMs };
  }
  if (endpoint.status === 'FAILING') return { ...base, reason: 'endpoint_failing' };
  if (policy.fifo) return { ...base, reason: 'fifo' };
  if (pace.isSlow(endpoint.id)) return { ...base, reason: 'endpoint_slow' };
  if (gate.isCrowded(endpoint.id, policy, PLACE_WAIT_MS)) return { ...base, reason: 'rate_limited' };
  return { ...base, way: 'fast', attempt: { id: deps.newId('attempt'), leaseMs: policy.timeoutMs + LEASE_MARGIN_MS } };
}

function startRun(parts: Parts, event: Event, saving: Promise<Saved | null>): Run {
  const attempts = new Map<string, Promise<AttemptReport | null>>();
  const planned = saving.then((saved) => {
    const plan = saved?.mine.has(event.id) ? saved.plans.get(event.id) : undefined;
    for (const delivery of plan?.deliveries ?? []) {
      const endpoint = saved?.routing.endpoints.get(delivery.endpointId);
      if (saved && delivery.attempt && endpoint) attempts.set(delivery.id, firstAttempt(parts, event, delivery, endpoint, saved.at));
    }
    return plan !== undefined;
  });
  const done = planned.then(() => Promise.allSettled(attempts.values())).then(() => undefined, () => undefined);
  // Whoever joins the run hears of its failure; where nobody does, the rows stand and a later run looks at them.
  planned.catch(() => undefined);
  return { event, planned, attempts, done };
}

async function firstAttempt(
  { gate, send, recorder }: Parts, event: Event, delivery: PlannedDelivery, target: RoutedEndpoint, plannedAt: number,
): Promise<AttemptReport | null> {
  const leaseMs = delivery.attempt?.leaseMs ?? 0;
  const release = await gate.enter(target.id, target.policy, PLACE_WAIT_MS, 'first');
  const hasTime = performance.now() - plannedAt < leaseMs - target.policy.timeoutMs - LEASE_REST_MS;
  if (!release || !hasTime) {
    release?.();
    await recorder.withdraw({ eventId: event.id, deliveryId: delivery.id, number: 1 });
    return null;
  }
  try {
    return await send({ event, target, deliveryId: delivery.id, number: 1, failures: 0, isFirst: true, byRetry: false, isProbe: false, isResend: false, release });
  } finally {
    release();
  }
}
