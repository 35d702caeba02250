import type { Sql } from './db';

/** Channel on which the relays of all workers listen. */
export const OUTBOX_CHANNEL = 'posthorn_outbox';
/** What a NOTIFY there says where nothing but events was added; any other text stands for all kinds of rows. */
export const EVENTS_ONLY = 'events';

/** What was committed: events and nothing else, or rows of the outbox of whatever kind. */
export type Announced = 'events' | 'anything';

/** The statement that tells of it. */
export const NOTIFY: Readonly<Record<Announced, string>> = { events: `notify ${OUTBOX_CHANNEL}, '${EVENTS_ONLY}'`, anything: `notify ${OUTBOX_CHANNEL}` };

/** Told, within a worker, when something was left in the outbox; `hasEvents`: events may be among it. */
export type OnOutbox = (hasEvents?: boolean) => void;

/** A signal to the workflow of an endpoint or of a delivery. It only wakes: what is to be done stands in PostgreSQL. */
export interface NewSignal {
  readonly workspaceId: string;
  readonly endpointId?: string;
  readonly eventId?: string;
  readonly deliveryId?: string;
  readonly signal: string;
}

/** Leaves signals for the relay, in the transaction of the change that they tell of. */
export async function addSignals(sql: Sql, signals: readonly NewSignal[]): Promise<void> {
  if (signals.length === 0) return;
  await sql.query({
    name: 'outbox-add-signals',
    text: `insert into outbox (kind, workspace_id, event_id, delivery_id, endpoint_id, signal)
           select 'signal', * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])`,
    values: [
      signals.map((s) => s.workspaceId), signals.map((s) => s.eventId ?? null), signals.map((s) => s.deliveryId ?? null),
      signals.map((s) => s.endpointId ?? null), signals.map((s) => s.signal),
    ],
  });
}

/** Has the workflow of a job started, or told to look at PostgreSQL, in the transaction of the change that it is to see. */
export async function addJobWake(sql: Sql, workspaceId: string, jobId: string): Promise<void> {
  await sql.query({ name: 'outbox-add-job', text: `insert into outbox (kind, workspace_id, job_id) values ('job', $1, $2)`, values: [workspaceId, jobId] });
}

/** Wakes the relays of all workers; not in a transaction that writes, since a NOTIFY makes commits wait for one another. */
export async function notifyRelays(db: Sql): Promise<void> {
  await db.query({ text: NOTIFY.anything });
}
