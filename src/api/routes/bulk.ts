import { acceptJob } from '../../commands/accept-job';
import type { BulkItem } from '../../commands/write-entry';
import type { JobKind } from '../../domain/job';
import type { ObjectKind } from '../../domain/object';
import type { ObjectRef } from '../../store/objects';
import { actorOf, newObject, patchOf } from '../object-input';
import { presentJob } from '../present-job';
import { route, type Answer, type Route, type RouteContext } from '../route';
import { acceptedJob, bulkChangeBody, bulkCreateBody } from '../schemas/job';
import type { ChangeItem } from '../schemas/objects';

const PATHS: Readonly<Record<ObjectKind, string>> = { record: 'records', process: 'processes', task: 'tasks' };
/** Room for 10,000 items of some 3 KiB. */
const BODY_LIMIT = 32 * 1024 * 1024;

/** The bulk calls of one kind of object: a malformed item refuses the call, one that can't be done is told in its entry. */
const routesOf = (kind: ObjectKind): readonly Route[] => {
  const shared = { path: `/v1/${PATHS[kind]}/bulk`, tag: PATHS[kind], bodyLimit: BODY_LIMIT, replies: { 202: acceptedJob } };
  return [
    route({
      ...shared, method: 'POST', role: 'publish', summary: `Create many ${PATHS[kind]} in a background job`, body: bulkCreateBody(kind),
      handle: async ({ body: { items } }, context) =>
        accept(context, 'bulk_create', kind, items.map((item) => ({ create: newObject(kind, item.type, item.primaryKey ?? null, item), actor: actorOf(item) }))),
    }),
    route({
      ...shared, method: 'PATCH', role: 'write', summary: `Change many ${PATHS[kind]} in a background job`, body: bulkChangeBody(kind),
      handle: async ({ body: { items } }, context) =>
        accept(context, 'bulk_update', kind, items.map((item) => ({ change: refOf(kind, item), patch: patchOf(item), actor: actorOf(item) }))),
    }),
  ];
};

/** The bulk calls of records, processes and tasks. They stand before the calls of one object: `bulk` is no id. */
export const bulkRoutes: readonly Route[] = (['record', 'process', 'task'] as const).flatMap(routesOf);

async function accept(context: RouteContext, kind: JobKind, objectKind: ObjectKind, items: readonly BulkItem[]): Promise<Answer> {
  const { deps, caller: { workspaceId } } = context;
  const job = await context.write((trx) => acceptJob(deps, trx, { workspaceId, kind, parameters: { objectKind }, items }));
  return { status: 202, body: { job: presentJob(deps.config, job) } };
}

const refOf = (kind: ObjectKind, { id, type = '', primaryKey = '' }: ChangeItem): ObjectRef => (id !== undefined ? { kind, id } : { kind, type, primaryKey });
