import { OUTCOMES } from '../domain/attempt';
import { DIALECT_NAMES } from '../domain/dialect';
import { createMeter, each } from './instruments';

/** Bounds in seconds. The least is what a step in the same process takes, the last the longest timeout of an attempt. */
const STEP_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** As the conventions of OpenTelemetry have it for HTTP, with the longest timeout. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30];
/** From the ordinary first attempt to the end of the default schedule. */
const DELIVERY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 36_000, 86_400, 259_200];
const FOLD_EVENTS = [1, 2, 5, 10, 20, 50, 100, 200];

const STAGE = { name: 'posthorn_stage_duration_seconds', help: 'Where the time of a delivery goes, step by step' };
const POOL = { name: 'posthorn_db_pool_connections', help: 'Connections to PostgreSQL: open ones, those of them that are idle, and how many wait for one' };

/** What the API counts. */
export function createApiMetrics() {
  const meter = createMeter();
  const requests = {
    name: 'posthorn_http_request_duration_seconds', help: 'Requests answered by the API, by the pattern of their path and the class of their status',
  };
  return {
    meter,
    /** Of a write: from its head to its answer. */
    ack: meter.histogram(STAGE, STEP_SECONDS, { stage: 'ack' }),
    /** To be made once for each route, `other` for requests of none: by the first digit of the answer's status. */
    requestsOf: (method: string, route: string) =>
      each(['2', '3', '4', '5'], (digit) => meter.histogram({ ...requests, omitsUnused: route !== 'other' }, REQUEST_SECONDS, { method, route, status: `${digit}xx` })),
    published: each(['stored', 'duplicate'], (result) =>
      meter.counter({ name: 'posthorn_events_published_total', help: 'Custom events that were accepted, new ones and repeated ones' }, { result })),
    schemaMistakes: each(['warn', 'reject'], (enforce) =>
      meter.counter({ name: 'posthorn_events_schema_mismatch_total', help: 'Events that did not fit the schema of their type: taken with a warning, or refused' }, { enforce })),
    databaseUp: meter.gauge({ name: 'posthorn_database_up', help: 'Whether PostgreSQL answered when it was asked for the backlog' }),
    outboxRows: each(['event', 'retry', 'signal', 'job'], (kind) =>
      meter.gauge({ name: 'posthorn_outbox_rows', help: 'Rows that no worker has seen through yet; at most 100,000 are counted' }, { kind })),
    outboxOldest: meter.gauge({ name: 'posthorn_outbox_oldest_seconds', help: 'Age of the oldest row of the outbox' }),
    deliveriesWaiting: each(['pending', 'retrying', 'held'], (status) =>
      meter.gauge({ name: 'posthorn_deliveries_waiting', help: 'Deliveries that wait in PostgreSQL' }, { status })),
    oldestDue: meter.gauge({
      name: 'posthorn_deliveries_oldest_due_seconds', help: 'For how long the oldest waiting delivery could have left, of endpoints that are ACTIVE',
    }),
    endpoints: each(['active', 'failing', 'deactivated'], (status) =>
      meter.gauge({ name: 'posthorn_endpoints', help: 'Endpoints by status' }, { status })),
    poolOf: (pool: string) => each(['open', 'idle', 'waiting'], (state) => meter.gauge(POOL, { pool, state })),
  };
}

/** What a worker counts. */
export function createWorkerMetrics() {
  const meter = createMeter();
  const attempts = { name: 'posthorn_attempts_total', help: 'Attempts that are over, by what came of them' };
  return {
    meter,
    stages: each(['relay_wait', 'plan', 'sign', 'post', 'record', 'workflow_start'], (stage) => meter.histogram(STAGE, STEP_SECONDS, { stage })),
    planned: meter.counter({ name: 'posthorn_events_planned_total', help: 'Events whose deliveries were decided on' }),
    attempts: each(OUTCOMES, (outcome) => each(DIALECT_NAMES, (dialect) => meter.counter(attempts, { outcome, dialect }))),
    attemptDuration: each(OUTCOMES, (outcome) =>
      meter.histogram({ name: 'posthorn_attempt_duration_seconds', help: 'From the look-up of the name to the end of the answer', omitsUnused: true }, REQUEST_SECONDS, { outcome })),
    attemptsUnderWay: meter.gauge({ name: 'posthorn_attempts_under_way', help: 'Attempts that were sent and are not recorded yet' }),
    firstAttempt: meter.histogram({ name: 'posthorn_first_attempt_latency_seconds', help: 'From the commit of an event to the start of a first attempt' }, DELIVERY_SECONDS),
    delivered: meter.histogram({ name: 'posthorn_delivery_latency_seconds', help: 'From the commit of an event to the answer that made it delivered' }, DELIVERY_SECONDS),
    finished: each(['delivered', 'exhausted', 'cancelled'], (status) =>
      meter.counter({ name: 'posthorn_deliveries_finished_total', help: 'Deliveries that a worker ended; what a caller cancels is not among them' }, { status })),
    places: meter.gauge({ name: 'posthorn_relay_places', help: 'Events that the relay may have under way at once' }),
    placesUsed: meter.gauge({ name: 'posthorn_relay_places_used', help: 'Events that the relay has under way' }),
    waitingForStart: meter.gauge({ name: 'posthorn_relay_events_waiting', help: 'Claimed events whose workflow is not started yet' }),
    workers: meter.gauge({ name: 'posthorn_workers', help: 'Workers that live, as this one sees it' }),
    clockSkew: meter.gauge({ name: 'posthorn_clock_skew_seconds', help: 'By how much the clock of PostgreSQL is ahead of that of this worker' }),
    wakes: each(['retry', 'signal', 'job'], (kind) =>
      meter.counter({ name: 'posthorn_wakes_passed_total', help: 'Outbox rows besides events that were passed on to Temporal' }, { kind })),
    workflowsStarted: each(['deliverEvent', 'deliver'], (workflow) =>
      meter.counter({ name: 'posthorn_workflows_started_total', help: 'Starts that Temporal acknowledged' }, { workflow })),
    foldEvents: meter.histogram({ name: 'posthorn_fold_events', help: 'Events that share a workflow' }, FOLD_EVENTS),
    repairs: each(['events', 'attempts', 'retries', 'watchers', 'jobs', 'orphans', 'lapsed'], (kind) =>
      meter.counter({ name: 'posthorn_reconciler_repairs_total', help: 'Rows without an owner that were given one again, or ended; 0 outside of faults' }, { kind })),
    poolOf: (pool: string) => each(['open', 'idle', 'waiting'], (state) => meter.gauge(POOL, { pool, state })),
  };
}

/** What a process counts. Both halves are there in each, since they cost nothing unused; each process tells its own. */
export interface Metrics {
  readonly api: ReturnType<typeof createApiMetrics>;
  readonly worker: ReturnType<typeof createWorkerMetrics>;
}

/** Metrics that stand at 0. */
export const createMetrics = (): Metrics => ({ api: createApiMetrics(), worker: createWorkerMetrics() });
