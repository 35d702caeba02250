/**
 * Names, ids, inputs, results and signals of the workflows: all that the rest of the code may know of them.
 * A change here is a change of running workflows: see CONTRIBUTING, "Workflow code is replayed".
 */

import type { JobKind, JobStatus } from '../src/domain/job';
import type { Ramp } from '../src/domain/ramp';

/** Task queue of `deliverEvent` and `watchEndpoint`, and of quick activities. */
export const TASK_QUEUE = 'posthorn';
/** Task queue of the activities that may take as long as a receiver likes: retries and endpoint lanes. */
export const SLOW_TASK_QUEUE = 'posthorn-slow';

/** Search attributes by name; values are ids and types, never customer data. */
export const SEARCH_ATTRIBUTES = {
  workspace: 'PosthornWorkspace',
  eventTypes: 'PosthornEventTypes',
  object: 'PosthornObject',
  endpoint: 'PosthornEndpoint',
} as const;

/** `event/evt_…`: the workflow of one event; `events/evt_…`: of several, named after the first of them. */
export const deliverEventId = (eventIds: readonly string[]): string =>
  eventIds.length === 1 ? `event/${eventIds[0]}` : `events/${eventIds[0]}`;
/** `delivery/dlv_…` */
export const deliverId = (deliveryId: string): string => `delivery/${deliveryId}`;
/** `endpoint/ep_…` */
export const watchEndpointId = (endpointId: string): string => `endpoint/${endpointId}`;

/** `job/job_…` */
export const jobWorkflowId = (jobId: string): string => `job/${jobId}`;

/** The workflow that does each kind of job. */
export const JOB_WORKFLOWS = { bulk_create: 'bulkWrite', bulk_update: 'bulkWrite', recover: 'recover', backfill: 'recover' } as const satisfies Record<JobKind, string>;

/** Most endpoints that one event's workflow shows one by one; above it one line stands for all. */
export const SHOWN_DELIVERIES = 50;

/** Input of `deliverEvent`: the events of one fold, all of one workspace, in the order of their ids. */
export interface DeliverEventInput {
  readonly workspaceId: string;
  readonly eventIds: readonly string[];
}

/** One delivery, as `deliverEvent` reports it. */
export interface DeliveryLine {
  readonly eventId: string;
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly status: string;
  readonly ms: number;
}

/** What became of the events of one fold when their first attempts were over. */
export interface DeliverEventResult {
  readonly owed: number;
  readonly delivered: number;
  readonly retrying: number;
  readonly waiting: number;
  readonly held: number;
}

/** The same of some deliveries, one by one. */
export interface FirstAttemptsResult extends DeliverEventResult {
  /** Failures first, at most 1,000. */
  readonly deliveries: readonly DeliveryLine[];
}

/** What the events of one fold are owed to. */
export interface FoldPlan {
  readonly owed: number;
  /** The deliveries of a lone event that is owed to few enough to be shown one by one; else none. */
  readonly shown: readonly { readonly id: string; readonly host: string }[];
}

/** Input of `deliver`: one delivery whose first attempt failed. */
export interface DeliverInput {
  readonly eventId: string;
  readonly deliveryId: string;
  readonly endpointId: string;
  /** Until the next attempt, in ms, as of the start. */
  readonly afterMs: number;
  /** The next attempt's number. */
  readonly number: number;
  /** What the last attempt came to, for people: `503`, `timeout`. */
  readonly last: string;
}

/** What an attempt of `deliver` came to. */
export interface RetryStep {
  readonly status: 'RETRYING' | 'DELIVERED' | 'EXHAUSTED' | 'HELD' | 'CANCELLED' | 'ELSEWHERE';
  readonly afterMs: number;
  readonly number: number;
  readonly last: string;
}

/** Input of `watchEndpoint`; the state is carried over continue-as-new. */
export interface WatchEndpointInput {
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly state?: WatchState;
}

/** What a watcher remembers between its looks at PostgreSQL. */
export interface WatchState {
  /** Requests the drain may have in flight; null while nothing drains. */
  readonly ramp: Ramp | null;
  /** The wait before the next probe, in ms; 0: none was planned yet. It doubles with each probe that fails. */
  readonly probeEveryMs: number;
  /** When the next probe is due, in Unix ms. */
  readonly probeAt: number;
}

/** Input of a job's workflow: what is to be done stands in PostgreSQL. */
export interface JobInput {
  readonly workspaceId: string;
  readonly jobId: string;
}

/** What became of a job. */
export interface JobResult {
  readonly status: JobStatus;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
}

/** What a job's workflow knows of it, and shows when asked. */
export interface JobLook extends JobResult {
  /** The first entry that is pending, or how much was looked at; null where nothing more is to be done. */
  readonly next: number | null;
  /** How long to wait before the next page, in ms; absent: not at all. */
  readonly restMs?: number;
}

/** Signals to `deliver`; each only makes it look at PostgreSQL. */
export const DELIVER_SIGNALS = { retryNow: 'retryNow', cancel: 'cancel', wake: 'wake' } as const;
/** Signals to `watchEndpoint`; `deactivate`, `reactivate` and `drain` also act when sent from the Temporal UI. */
export const WATCH_SIGNALS = { changed: 'changed', deactivate: 'deactivate', reactivate: 'reactivate', drain: 'drain' } as const;
/** Argument of `deactivate`: why, for the API and the console to show. */
export interface DeactivateArgument {
  readonly reason?: string;
}
/** Argument of `reactivate`: whether what is held is drained at once; it is unless told. */
export interface ReactivateArgument {
  readonly drain?: boolean;
}
/** Argument of `drain`; `start` unless told. */
export interface DrainArgument {
  readonly action?: 'start' | 'pause' | 'drop';
}
/** Query of `watchEndpoint`. */
export const HEALTH_QUERY = 'health';
/** Signals to a job's workflow: `wake` makes it look at PostgreSQL, the others do what the API's calls of that name do. */
export const JOB_SIGNALS = { wake: 'wake', pause: 'pause', resume: 'resume', cancel: 'cancel' } as const;
/** Query of a job's workflow. */
export const PROGRESS_QUERY = 'progress';
/** Entries of one page: one activity, a second or so. */
export const PAGE_ENTRIES = 100;
