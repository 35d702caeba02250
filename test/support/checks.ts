import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { Db } from '../../src/store/db';
import { ownerless, type OwnerLook } from './owners';
import type { Received, Receiver } from './receiver';

/** An endpoint as the checker must know it. */
export interface KnownEndpoint {
  readonly id: string;
  readonly workspaceId: string;
  readonly path: string;
  readonly secret: string;
}

/** A delivery as it stands in the database, with its attempts. */
export interface DeliveryLog {
  readonly id: string;
  readonly eventId: string;
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly status: string;
  readonly reason: string | null;
  readonly resendOf: string | null;
  readonly attempts: readonly { readonly number: number; readonly outcome: string | null }[];
}

/** What clients were acknowledged, what the receivers saw, what the database holds. */
export interface Logs {
  /** Events that the API acknowledged, and the endpoints that each is owed to. */
  readonly acknowledged: readonly { readonly eventId: string; readonly workspaceId: string; readonly endpointIds: readonly string[] }[];
  readonly endpoints: readonly KnownEndpoint[];
  readonly received: readonly Received[];
  readonly deliveries: readonly DeliveryLog[];
  /** How often a process died without warning meanwhile. */
  readonly crashes: number;
  /** What had no owner, look by look, while the run was under way. */
  readonly looks?: readonly OwnerLook[];
  /** The run's own workflows, replayed from their histories: what kept them from it, else null. */
  readonly replays?: readonly { readonly workflowId: string; readonly fault: string | null }[];
  /** How deliveries stood at earlier times of the run. */
  readonly earlier?: readonly DeliveryLog[];
}

/** A promise that was broken, and by what. */
export interface Violation {
  readonly invariant: `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11}`;
  readonly what: string;
}

const FINAL = new Set(['DELIVERED', 'EXHAUSTED', 'CANCELLED']);

/** Everything that the logs of a run that has come to rest show to be wrong. */
export function check(logs: Logs): Violation[] {
  const pairOf = (one: { readonly eventId: string; readonly endpointId: string }): string => `${one.eventId} ${one.endpointId}`;
  const byDelivery = groupBy(logs.deliveries.filter(({ resendOf }) => resendOf === null), pairOf);
  // What was sent for a resend can't be told from what was sent for the delivery before it.
  const byPair = groupBy(logs.deliveries, pairOf);
  const pathOf = new Map(logs.endpoints.map((endpoint) => [endpoint.path, endpoint]));
  const byRequest = groupBy(logs.received, (one) => `${one.headers['webhook-id']} ${pathOf.get(one.path)?.id}`);
  return [
    ...logs.acknowledged.flatMap(({ eventId, endpointIds }) => endpointIds.flatMap((endpointId) => owed(eventId, endpointId, byDelivery))),
    ...logs.deliveries.flatMap((delivery) => ended(delivery, byRequest.get(pairOf(delivery)) ?? [])),
    ...[...byRequest].flatMap(([key, requests]) => repeated(key, requests, byPair.get(key) ?? [], logs.crashes)),
    ...logs.received.flatMap((request) => signed(request, pathOf.get(request.path))),
    ...isolated(logs, pathOf),
    ...ownerless(logs.looks ?? []).map((what) => ({ invariant: 'I8', what }) as const),
    ...(logs.replays ?? []).flatMap(({ workflowId, fault }) => (fault === null ? [] : [{ invariant: 'I10', what: `${workflowId}: ${fault}` } as const])),
    ...fenced(logs),
  ];
}

function owed(eventId: string, endpointId: string, byDelivery: ReadonlyMap<string, readonly DeliveryLog[]>): Violation[] {
  const count = byDelivery.get(`${eventId} ${endpointId}`)?.length ?? 0;
  if (count === 1) return [];
  return [{ invariant: count === 0 ? 'I1' : 'I2', what: `${eventId} is owed to ${endpointId} by ${count} deliveries` }];
}

function ended(delivery: DeliveryLog, requests: readonly Received[]): Violation[] {
  const { id, status, reason, attempts } = delivery;
  const violations: Violation[] = [];
  if (!FINAL.has(status) && !(status === 'HELD' && reason !== null)) violations.push({ invariant: 'I3', what: `${id} is left ${status} (${reason})` });
  if (status === 'DELIVERED' && (requests.length === 0 || !attempts.some(({ outcome }) => outcome === 'ok'))) {
    violations.push({ invariant: 'I4', what: `${id} is DELIVERED after ${requests.length} requests` });
  }
  if (attempts.some(({ outcome }) => outcome === null)) violations.push({ invariant: 'I7', what: `${id} has an attempt that nobody closed` });
  return violations;
}

function repeated(key: string, requests: readonly Received[], deliveries: readonly DeliveryLog[], crashes: number): Violation[] {
  const violations: Violation[] = [];
  const attempts = deliveries.flatMap((one) => one.attempts);
  const counted = attempts.filter(({ outcome }) => outcome !== 'unknown').length;
  if (requests.length > attempts.length) violations.push({ invariant: 'I7', what: `${key}: ${requests.length} requests, ${attempts.length} attempts` });
  if (requests.length - Math.max(1, counted) > crashes) {
    violations.push({ invariant: 'I5', what: `${key} was sent ${requests.length} times in ${crashes} crashes` });
  }
  if (new Set(requests.map(({ body }) => body)).size > 1) violations.push({ invariant: 'I5', what: `${key} was sent with different bytes` });
  return violations;
}

/** What a process reports that others took for dead may change its own attempt and nothing else. */
function fenced({ deliveries, earlier = [] }: Logs): Violation[] {
  const now = new Map(deliveries.map((one) => [one.id, one]));
  const changed = earlier.filter(({ status }) => FINAL.has(status)).flatMap((before) => {
    const after = now.get(before.id);
    const isSame = after?.status === before.status && after.reason === before.reason && after.attempts.length === before.attempts.length;
    return isSame ? [] : [{ invariant: 'I11', what: `${before.id} was ${describe(before)} and became ${after ? describe(after) : 'nothing'}` } as const];
  });
  const reopened = deliveries.flatMap(({ id, attempts }) => {
    const success = attempts.find(({ outcome }) => outcome === 'ok');
    const isLast = success === undefined || attempts.every(({ number }) => number <= success.number);
    return isLast ? [] : [{ invariant: 'I11', what: `${id} went on after the success of attempt ${success.number}` } as const];
  });
  return [...changed, ...reopened];
}

const describe = ({ status, reason, attempts }: DeliveryLog): string => `${status} (${reason}) after ${attempts.length} attempts`;

function signed(request: Received, endpoint: KnownEndpoint | undefined): Violation[] {
  if (!endpoint || isSigned(request, endpoint.secret)) return [];
  return [{ invariant: 'I6', what: `${request.headers['webhook-id']} at ${request.path} does not verify` }];
}

function isolated(logs: Logs, pathOf: ReadonlyMap<string, KnownEndpoint>): Violation[] {
  const workspaceOf = new Map(logs.acknowledged.map(({ eventId, workspaceId }) => [eventId, workspaceId]));
  return logs.received.flatMap(({ path, headers }) => {
    const [seen, owner] = [workspaceOf.get(headers['webhook-id'] ?? ''), pathOf.get(path)?.workspaceId];
    return seen === undefined || owner === undefined || seen === owner ? [] : [{ invariant: 'I9', what: `${headers['webhook-id']} of ${seen} came to ${path} of ${owner}` }];
  });
}

/** What is wrong with all that was ever done for the one endpoint at `path`, which was owed just these events. */
export async function violationsAt(
  { db, receiver, endpoint, path, eventIds, crashes }:
  { db: Db; receiver: Receiver; endpoint: Pick<KnownEndpoint, 'id' | 'secret'>; path: string; eventIds: readonly string[]; crashes: number },
): Promise<Violation[]> {
  const deliveries = await readDeliveries(db, endpoint.id);
  const workspaceId = deliveries[0]?.workspaceId ?? '';
  return check({
    acknowledged: eventIds.map((eventId) => ({ eventId, workspaceId, endpointIds: [endpoint.id] })),
    endpoints: [{ ...endpoint, workspaceId, path }], received: receiver.received(path), deliveries, crashes,
  });
}

/** Whether a request verifies by both public implementations of Standard Webhooks, as it did when it arrived. */
export function isSigned({ body, headers, at }: Received, secret: string): boolean {
  const { now } = Date;
  // They refuse what is older than five minutes by this clock, and a run may take longer.
  Date.now = () => performance.timeOrigin + at;
  try {
    new Webhook(secret).verify(body, { ...headers });
    // The same headers under the names that this library reads first.
    new SvixWebhook(secret).verify(body, {
      'svix-id': headers['webhook-id'] ?? '', 'svix-timestamp': headers['webhook-timestamp'] ?? '', 'svix-signature': headers['webhook-signature'] ?? '',
    });
    return true;
  } catch {
    return false;
  } finally {
    Date.now = now;
  }
}

/** The value of `X-Chakra-Signature-256`, by Node's own means. */
export const chakraSignature = (body: string, secret: string): string => createHmac('sha256', secret).update(body).digest('hex');

/** All deliveries to an endpoint, with their attempts, in event order. */
export async function readDeliveries(db: Db, endpointId: string): Promise<DeliveryLog[]> {
  const rows = await db.query<{
    id: string; event_id: string; workspace_id: string; endpoint_id: string; status: string; reason: string | null; resend_of: string | null;
    attempts: { number: number; outcome: string | null }[];
  }>({
    text: `select d.id, d.event_id, d.workspace_id, d.endpoint_id, d.status, d.reason, d.resend_of,
             coalesce((select json_agg(json_build_object('number', a.number, 'outcome', a.outcome) order by a.number)
                       from attempts a where a.event_id = d.event_id and a.delivery_id = d.id), '[]') as attempts
           from deliveries d where d.endpoint_id = $1 order by d.event_id, d.id`,
    values: [endpointId],
  });
  return rows.map((row) => ({
    id: row.id, eventId: row.event_id, workspaceId: row.workspace_id, endpointId: row.endpoint_id, status: row.status, reason: row.reason,
    resendOf: row.resend_of, attempts: typeof row.attempts === 'string' ? (JSON.parse(row.attempts) as DeliveryLog['attempts']) : row.attempts,
  }));
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
