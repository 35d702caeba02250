import { allHandlersFinished, condition, continueAsNew, defineQuery, defineSignal, proxyActivities, proxyLocalActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Activities, EndpointLook, EndpointSwitch } from '../activities';
import { isAutomatic } from '../src/domain/endpoint';
import { decideHealth } from '../src/domain/health';
import { RAMP_START } from '../src/domain/ramp';
import { FRESH_MEMORY, nextWatchStep, type WatchMemory } from '../src/domain/watch';
import {
  HEALTH_QUERY, SLOW_TASK_QUEUE, WATCH_SIGNALS,
  type DeactivateArgument, type DrainArgument, type ReactivateArgument, type WatchEndpointInput,
} from './contract';

const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;
const { lookAtEndpoint, switchEndpoint } = proxyLocalActivities<Activities>({ startToCloseTimeout: '1m', retry });
const { serveEndpoint } = proxyActivities<Activities>({
  taskQueue: SLOW_TASK_QUEUE, startToCloseTimeout: '2m', heartbeatTimeout: '10s', retry,
});

/** A lane that has rows but could send none (an attempt of a lost process is still leased) is looked at again after this. */
const STUCK_LANE_MS = 1_000;

/**
 * Watches one endpoint for as long as it exists: decides its health from what stands in PostgreSQL, serves its lane,
 * probes it, and takes a person's word. What it remembers over continue-as-new is a few numbers.
 */
export async function watchEndpoint(input: WatchEndpointInput): Promise<void> {
  const { workspaceId, endpointId } = input;
  let memory: WatchMemory = input.state ?? FRESH_MEMORY;
  let look: EndpointLook | null = null;
  let isWoken = false;
  const asked: EndpointSwitch[] = [];

  setHandler(defineSignal(WATCH_SIGNALS.changed), () => {
    isWoken = true;
  }, { description: 'Look at the endpoint again. No input needed.' });
  setHandler(defineSignal<[DeactivateArgument?]>(WATCH_SIGNALS.deactivate), (argument) => {
    asked.push({ do: 'deactivate', reason: reasonOf(argument) });
  }, { description: 'Stop calling this endpoint and hold what it is owed. Input optional: {"reason": "…"}' });
  setHandler(defineSignal<[ReactivateArgument?]>(WATCH_SIGNALS.reactivate), (argument) => {
    asked.push({ do: 'reactivate', drain: argument?.drain !== false });
  }, { description: 'Call this endpoint again and drain what is held. No input needed; {"drain": false} keeps it held.' });
  setHandler(defineSignal<[DrainArgument?]>(WATCH_SIGNALS.drain), (argument) => {
    const action = argument?.action ?? 'start';
    // Typed by hand in the UI: what is none of these is nothing.
    if (DRAIN_ACTIONS.includes(action)) asked.push({ do: 'drain', action });
  }, { description: 'Start, pause or drop the drain. Input optional: {"action": "start" | "pause" | "drop"}' });
  setHandler(defineQuery<EndpointLook | null>(HEALTH_QUERY), () => look, { description: 'The endpoint as this watcher last saw it' });

  for (;;) {
    isWoken = false;
    for (let wish = asked.shift(); wish; wish = asked.shift()) {
      await change('signal', wish);
    }
    look = await lookAtEndpoint({ workspaceId, endpointId });
    if (!look) return;
    const decision = decideHealth(look.health, look.deactivate);
    if (decision) {
      await change('watcher', wishOf(decision));
      continue;
    }
    const step = nextWatchStep({ ...look.lane, ...look.probe, status: look.health.status, consecutiveFailures: look.health.consecutiveFailures }, memory, Date.now());
    memory = step.memory;
    if (step.do === 'wait') {
      await waitFor(step.forMs);
    } else {
      const { mode, ramp, atMost } = step;
      const report = await serveEndpoint.executeWithOptions({ summary: mode === 'held' ? 'probe with a held delivery' : `serve the lane (${mode})` }, [{ workspaceId, endpointId, mode, ramp, atMost }]);
      if (mode === 'held' && report.delivered > 0) await change('probe', { do: 'reactivate', drain: true });
      if (mode === 'all' && step.ramp) memory = { ...memory, ramp: report.ramp };
      if (report.sent === 0) await waitFor(STUCK_LANE_MS);
    }
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      if (asked.length === 0) await continueAsNew<typeof watchEndpoint>({ workspaceId, endpointId, state: memory });
    }
  }

  async function change(by: 'watcher' | 'signal' | 'probe', wish: EndpointSwitch): Promise<void> {
    await switchEndpoint.executeWithOptions({ summary: `${wish.do}, by ${by}` }, [{ workspaceId, endpointId, by, wish }]);
    memory = afterSwitch(wish);
  }

  /** Until a signal comes, at most so long. */
  async function waitFor(forMs: number | null): Promise<void> {
    const isCalled = (): boolean => isWoken || asked.length > 0;
    if (forMs === null) await condition(isCalled);
    else await condition(isCalled, forMs, { summary: 'look again' });
  }
}

const DRAIN_ACTIONS: readonly string[] = ['start', 'pause', 'drop'];
const LONGEST_REASON = 200;

/** A person's reason, as they typed it; those that Posthorn finds by itself are not theirs to give. */
function reasonOf(argument: DeactivateArgument | undefined): string {
  const reason: unknown = argument?.reason;
  return typeof reason === 'string' && reason !== '' && !isAutomatic(reason) ? reason.slice(0, LONGEST_REASON) : 'manual';
}

/** A drain starts with one request in flight; every other switch begins afresh. */
const afterSwitch = (wish: EndpointSwitch): WatchMemory =>
  wish.do === 'reactivate' || wish.do === 'recover' || (wish.do === 'drain' && wish.action === 'start') ? { ...FRESH_MEMORY, ramp: RAMP_START } : FRESH_MEMORY;

const wishOf = (decision: NonNullable<ReturnType<typeof decideHealth>>): EndpointSwitch =>
  decision.to === 'ACTIVE' ? { do: 'recover' } : decision.to === 'FAILING' ? { do: 'fail' } : { do: 'deactivate', reason: decision.reason };
