import { readFileSync } from 'node:fs';
import { Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair, type SearchAttributeType } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import {
  DELIVER_SIGNALS, deliverEventId, deliverId, JOB_SIGNALS, JOB_WORKFLOWS, jobWorkflowId, SEARCH_ATTRIBUTES, TASK_QUEUE, WATCH_SIGNALS,
  watchEndpointId,
  type DeliverEventInput, type DeliverInput, type JobInput, type WatchEndpointInput,
} from '../workflows/contract';
import type { Config } from './config';
import { SEARCH_ATTRIBUTE_TYPES } from './search-attributes';

/** What a start of `deliverEvent` shows in the UI besides its input. */
export interface FoldFacts {
  readonly types: readonly string[];
  /** The object of a lone event. */
  readonly objectId: string | null;
}

/** Starts and signals workflows; nothing else does from outside. Each call rejects where Temporal can't be reached. */
export interface Workflows {
  /** Starting what runs already is success. */
  startDeliverEvent(input: DeliverEventInput, facts: FoldFacts): Promise<void>;
  /** One that runs already is woken: it may sleep by an earlier schedule. */
  startDeliver(input: DeliverInput, workspaceId: string, eventType: string): Promise<void>;
  /** Signals a `deliver`; one that is gone needs no signal. */
  signalDeliver(deliveryId: string, signal: string): Promise<void>;
  /** Has an endpoint's watcher look at PostgreSQL; starts it where there is none. */
  wakeWatcher(input: WatchEndpointInput): Promise<void>;
  /** Has a job's workflow look at PostgreSQL; starts it where there is none. `summary` is for the UI; an endpoint where the job is about one. */
  wakeJob(input: JobInput, kind: keyof typeof JOB_WORKFLOWS, summary: string, endpointId: string | null): Promise<void>;
  /** The same for a job of which nothing is to be done now: a workflow that is gone needs no waking. */
  signalJob(jobId: string): Promise<void>;
}

/** Connects with the settings' TLS and API key. The connection is shared by the worker and the client: eager starts need that. */
export const connectTemporal = (config: Config): Promise<NativeConnection> => {
  const { TEMPORAL_TLS_CA: ca, TEMPORAL_TLS_CERT: cert, TEMPORAL_TLS_KEY: key, TEMPORAL_API_KEY: apiKey } = config;
  const hasTls = ca !== undefined || cert !== undefined || apiKey !== undefined;
  return NativeConnection.connect({
    address: config.TEMPORAL_ADDRESS ?? '127.0.0.1:7233',
    ...(apiKey !== undefined && { apiKey }),
    ...(hasTls && {
      tls: {
        ...(ca !== undefined && { serverRootCACertificate: readFileSync(ca) }),
        ...(cert !== undefined && key !== undefined && { clientCertPair: { crt: readFileSync(cert), key: readFileSync(key) } }),
      },
    }),
    // On loopback and in a data centre gzip costs more than it saves.
    grpcCompression: { codec: 'none' },
  });
};

/** A search attribute's value may be 2 KiB at most. */
const LONGEST_LIST = 2_000;

/** Starts and signals over the worker's own connection. */
export function createWorkflows(connection: NativeConnection, namespace: string): Workflows {
  const { workflow } = new Client({ connection, namespace });
  const policies = { workflowIdConflictPolicy: 'FAIL', workflowIdReusePolicy: 'ALLOW_DUPLICATE' } as const;

  return {
    async startDeliverEvent(input, { types, objectId }) {
      const { workspaceId, eventIds } = input;
      const [type] = types;
      await isStarted(workflow.start('deliverEvent', {
        ...policies,
        args: [input],
        taskQueue: TASK_QUEUE,
        workflowId: deliverEventId(eventIds),
        requestEagerStart: true,
        staticSummary: eventIds.length === 1 ? `${type}${objectId === null ? '' : ` of ${objectId}`}` : `${eventIds.length} events`,
        typedSearchAttributes: pairs({ workspace: workspaceId, eventTypes: cut(types), ...(objectId !== null && { object: objectId }) }),
      }));
    },
    async startDeliver(input, workspaceId, eventType) {
      const workflowId = deliverId(input.deliveryId);
      const start = workflow.start('deliver', {
        ...policies,
        args: [input],
        taskQueue: TASK_QUEUE,
        workflowId,
        requestEagerStart: true,
        staticSummary: `${eventType} to ${input.endpointId}`,
        typedSearchAttributes: pairs({ workspace: workspaceId, endpoint: input.endpointId, eventTypes: [eventType] }),
      });
      // It may sleep by an earlier schedule. Where it has ended in between, the caller's next try starts it.
      if (!(await isStarted(start))) await workflow.getHandle(workflowId).signal(DELIVER_SIGNALS.wake);
    },
    signalDeliver: (deliveryId, signal) => unlessGone(workflow.getHandle(deliverId(deliveryId)).signal(signal)),
    async wakeWatcher(input) {
      await workflow.signalWithStart('watchEndpoint', {
        args: [input],
        taskQueue: TASK_QUEUE,
        workflowId: watchEndpointId(input.endpointId),
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        signal: WATCH_SIGNALS.changed,
        signalArgs: [],
        typedSearchAttributes: pairs({ workspace: input.workspaceId, endpoint: input.endpointId }),
      });
    },
    async wakeJob(input, kind, summary, endpointId) {
      await workflow.signalWithStart(JOB_WORKFLOWS[kind], {
        args: [input],
        taskQueue: TASK_QUEUE,
        workflowId: jobWorkflowId(input.jobId),
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        signal: JOB_SIGNALS.wake,
        signalArgs: [],
        staticSummary: summary,
        typedSearchAttributes: pairs({ workspace: input.workspaceId, ...(endpointId !== null && { endpoint: endpointId }) }),
      });
    },
    signalJob: (jobId) => unlessGone(workflow.getHandle(jobWorkflowId(jobId)).signal(JOB_SIGNALS.wake)),
  };
}

/** Whether this call started it; false: it runs already. */
async function isStarted(start: Promise<unknown>): Promise<boolean> {
  try {
    await start;
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return false;
  }
}

async function unlessGone(signal: Promise<unknown>): Promise<void> {
  try {
    await signal;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

const SDK_TYPES: Readonly<Record<'Keyword' | 'KeywordList', SearchAttributeType>> = { Keyword: 'KEYWORD', KeywordList: 'KEYWORD_LIST' };

/** Search attributes with their types. */
const pairs = (values: Partial<Record<keyof typeof SEARCH_ATTRIBUTES, string | readonly string[]>>): SearchAttributePair[] =>
  Object.entries(values).map(([key, value]) => {
    const name = SEARCH_ATTRIBUTES[key as keyof typeof SEARCH_ATTRIBUTES];
    return { key: defineSearchAttributeKey(name, SDK_TYPES[SEARCH_ATTRIBUTE_TYPES[name] ?? 'Keyword']), value } as SearchAttributePair;
  });

/** As many of the distinct types as fit. */
function cut(types: readonly string[]): string[] {
  let length = 0;
  return [...new Set(types)].filter((type) => (length += type.length + 4) <= LONGEST_LIST);
}
