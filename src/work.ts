import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker, type Logger, type NativeConnection, type WorkflowBundleOption } from '@temporalio/worker';
import { createActivities } from '../activities';
import { SLOW_TASK_QUEUE, TASK_QUEUE } from '../workflows/contract';
import type { Config } from './config';
import { createDeps } from './create-deps';
import { Feed } from './engine/feed';
import { createFirstAttempts } from './engine/first-attempts';
import { createGate } from './engine/gate';
import { createPace } from './engine/pace';
import { placesWithin } from './engine/places';
import { createRecorder } from './engine/recorder';
import { createRoutingCache } from './engine/routing-cache';
import { createSender } from './engine/sender';
import { Tally } from './engine/tally';
import { createWitness } from './engine/witness';
import { testMs } from './failpoint';
import { createLog, type Log } from './log';
import { watchClock } from './relay/clock-watch';
import { startHousekeeper } from './relay/housekeeper';
import { createExposition } from './metrics/exposition';
import { bindPool } from './metrics/pool';
import { startMetricsServer } from './metrics/server';
import { roomForConnections } from './open-files';
import { startPolling } from './relay/polling';
import { openPresence, type Presence } from './relay/presence';
import { startReconciler } from './relay/reconciler';
import { startRelay } from './relay/relay';
import { startScribe } from './relay/scribe';
import { createStarts } from './relay/starts';
import { createWaker } from './relay/waker';
import { createWakes } from './relay/wakes';
import { openDb } from './store/db';
import { FEED_CHANNEL } from './store/live-feed';
import { notifyRelays, type OnOutbox } from './store/outbox';
import { registerSearchAttributes } from './search-attributes';
import { connectTemporal, createWorkflows } from './temporal';
import { openTracing } from './tracing/tracing';
import { UntimedWorker } from './workflow-worker';

/** A worker that runs: relay and Temporal worker on one connection. */
export interface RunningWorker {
  /** Stops claiming, sees through what is in flight, gives back the rest, and closes. At most about 36 s. */
  close(): Promise<void>;
  /** Rejects when the Temporal worker failed for good. */
  readonly failed: Promise<never>;
  /** Fulfilled when this machine's clock has gone wrong: what is sent would be refused, so it is to be closed. */
  readonly clockWrong: Promise<void>;
}

/** From the wish to stop on attempts in flight are seen through for so long: the longest timeout (30 s) and the wait for a place. */
const GRACE_MS = 34_000;
/** Then what is left is given up. */
const FORCE_MS = 35_000;
const CONNECT_EVERY_MS = 1_000;
/** For claims of events, claims of starts and signals, their ends, and housekeeping. */
const OUTBOX_CONNECTIONS = 4;

/** Settings of a worker that only tests change. */
export interface WorkOptions {
  readonly workflowBundle?: WorkflowBundleOption;
  readonly reconcileEveryMs?: number;
}

/** Runs a worker. `config` must name `DATABASE_URL` and `POSTHORN_ENCRYPTION_KEYS`. */
export async function work(config: Config, options: WorkOptions = {}): Promise<RunningWorker> {
  const log = createLog(config.LOG_LEVEL, { process: 'worker' });
  // The order of stopping is ours, not the SDK's.
  Runtime.install({ shutdownSignals: [], logger: sdkLogger(log) });
  const connections = roomForConnections(config.DATABASE_POOL + OUTBOX_CONNECTIONS);
  const deps = createDeps(config, log, openTracing(config, log, 'worker'), connections);
  const clock = await watchClock(deps);
  const connection = await connectPatiently(config, log);
  const missing = await registerSearchAttributes(connection, config.TEMPORAL_NAMESPACE);
  if (missing.length > 0) log.warn({ missing }, 'worker.search_attributes_missing');
  const workflows = createWorkflows(connection, config.TEMPORAL_NAMESPACE);

  const gate = createGate(undefined, placesWithin(connections));
  const pace = createPace();
  const eventWaker = createWaker();
  const wakeWaker = createWaker();
  let isStopping = false;
  // What this process leaves in the outbox its own relay is told of; when that has stopped, those of the others are.
  const onOutbox: OnOutbox = (hasEvents = false) => {
    if (isStopping) return void notifyRelays(deps.db).catch(() => undefined);
    wakeWaker.wake();
    if (hasEvents) eventWaker.wake();
  };
  const recorder = createRecorder(deps, onOutbox);
  const tally = new Tally();
  let presence: Presence | null = null;
  const feed = new Feed((text) => presence?.tell(FEED_CHANNEL, text));
  const witness = createWitness(tally, feed);
  const send = createSender(deps, recorder, witness, pace.add);
  const firstAttempts = createFirstAttempts({ deps, routings: createRoutingCache(deps), gate, pace, send, recorder, witness, onOutbox });
  const activities = createActivities({ deps, firstAttempts, send, gate, onOutbox, isStopping: () => isStopping });

  const shared = {
    connection, namespace: config.TEMPORAL_NAMESPACE, activities, shutdownGraceTime: GRACE_MS, shutdownForceTime: FORCE_MS,
  };
  const createPollers = (): Promise<Worker[]> => Promise.all([
    UntimedWorker.create({
      ...shared,
      taskQueue: TASK_QUEUE,
      workflowBundle: options.workflowBundle ?? builtBundle(),
      // A workflow task lasts as long as its local activities do: a slow receiver's first attempt holds a slot. There are more
      // than the gate has places for first attempts, so that those which hang never keep watchers and retries waiting.
      maxConcurrentWorkflowTaskExecutions: 900,
      maxConcurrentLocalActivityExecutions: 1_000,
      maxConcurrentActivityTaskExecutions: 10,
      maxCachedWorkflows: 1_000,
      workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 4 },
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
    }),
    Worker.create({
      ...shared,
      taskQueue: SLOW_TASK_QUEUE,
      // More than the gate has places for them: a lane or a retry that waits for one costs nothing but its slot.
      maxConcurrentActivityTaskExecutions: 1_000,
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 4 },
    }),
  ]);
  const onNotify = (isEventsOnly = false): void => {
    eventWaker.wake();
    if (!isEventsOnly) wakeWaker.wake();
  };
  const session = await openPresence(config.DATABASE_URL ?? '', log, onNotify, (workspaceIds) => feed.watch(workspaceIds));
  presence = session;
  const polling = await startPolling(createPollers, session, log);
  // Claims are leases: where PostgreSQL loses one, it is made again, and what was done is found done.
  const outboxDb = openDb(config.DATABASE_URL ?? '', OUTBOX_CONNECTIONS, { isForgetful: true });
  bindPool(deps.metrics.worker.poolOf('outbox'), outboxDb);
  const outboxDeps = { ...deps, db: outboxDb };
  const relay = startRelay({
    deps: outboxDeps, presence: session, firstAttempts, gate, eventWaker, wakeWaker, starts: createStarts(outboxDeps, workflows), wakes: createWakes(outboxDeps, workflows, onOutbox),
  });
  const metricsServer = config.WORKER_METRICS_PORT === undefined ? null : startMetricsServer(createExposition(deps.metrics.worker.meter), {
    host: config.METRICS_HOST, port: config.WORKER_METRICS_PORT, onFault: ({ message }) => log.warn({ error: message }, 'worker.metrics_port_taken'),
  });
  const reconciler = startReconciler(deps, witness, onNotify, options.reconcileEveryMs ?? testMs('POSTHORN_RECONCILE_EVERY_MS'));
  const housekeeper = startHousekeeper(deps);
  const scribe = startScribe(outboxDeps, tally);

  return {
    failed: polling.failed,
    clockWrong: clock.wrong,
    async close() {
      isStopping = true;
      clock.stop();
      const endsAt = performance.now() + GRACE_MS;
      // All at once: what one of them took while another is waited for would begin its own timeout then.
      await Promise.all([relay.stop(), polling.stop(), reconciler.stop(), housekeeper.stop()]);
      await firstAttempts.drain(endsAt - performance.now());
      await recorder.drain();
      await scribe.stop();
      feed.close();
      await session.close();
      await connection.close();
      await outboxDb.close();
      await metricsServer?.close();
      await deps.close();
    },
  };
}

/** What is as it should be: the queue for slow activities has no workflows, and an exhausted delivery ends its workflow as Failed. */
const EXPECTED_WARNINGS = ['No workflows registered', 'Workflow failed'];

/** Passes on what the SDK warns of, but for what we expect. */
function sdkLogger(log: Log): Logger {
  return new DefaultLogger('WARN', ({ level, message }) => {
    if (EXPECTED_WARNINGS.some((expected) => message.startsWith(expected))) return;
    if (level === 'ERROR') log.error(message);
    else log.warn(message);
  });
}

/** Temporal may come up later than we do. */
async function connectPatiently(config: Config, log: Log): Promise<NativeConnection> {
  for (;;) {
    try {
      return await connectTemporal(config);
    } catch (error) {
      log.warn({ address: config.TEMPORAL_ADDRESS, error: error instanceof Error ? error.message : String(error) }, 'worker.temporal_away');
      await new Promise((resolve) => setTimeout(resolve, CONNECT_EVERY_MS));
    }
  }
}

function builtBundle(): WorkflowBundleOption {
  const codePath = join(__dirname, '..', 'workflow-bundle.js');
  if (!existsSync(codePath)) throw new Error(`The workflows are not bundled (${codePath} is missing); run: npm run build`);
  return { codePath };
}
