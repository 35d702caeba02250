import { z } from 'zod';
import {
  changeObject, createObject, deleteObject, noSuchObject, upsertObject, MAX_ATTRIBUTES_BYTES, type ChangeContext,
} from '../../commands/change-object';
import { presentObject, type ObjectKind, type TrackedObject } from '../../domain/object';
import { invalid } from '../../errors';
import { findObject, listObjects, type ObjectFilters, type ObjectRef } from '../../store/objects';
import { listQuery, openList, type ListQuery } from '../lists';
import { actorOf, newObject, patchOf } from '../object-input';
import { route, type Answer, type Route, type RouteContext } from '../route';
import {
  changeBody, createBody, deleteBody, objectFilters, objectOut, objectType, primaryKey, upsertBody, type ObjectBody,
} from '../schemas/objects';
import { idOf, pageOf, queryFlag } from '../schemas/shared';

const PATHS: Readonly<Record<ObjectKind, string>> = { record: 'records', process: 'processes', task: 'tasks' };
const KEY_PATH = 'by-primary-key/:type/:primaryKey';
/** Room for the attributes and for what stands around them. */
const BODY_LIMIT = MAX_ATTRIBUTES_BYTES + 64 * 1024;

/** The calls of one kind of object: all three kinds have the same. */
function routesOf(kind: ObjectKind): readonly Route[] {
  const path = `/v1/${PATHS[kind]}`;
  const idName = `${kind}Id`;
  const idParams = z.object({ [idName]: idOf(kind) });
  const keyParams = z.object({ type: objectType, primaryKey });
  const out = objectOut(kind);
  const shared = { tag: PATHS[kind], bodyLimit: BODY_LIMIT };
  const byId = (params: Readonly<Record<string, unknown>>): ObjectRef => ({ kind, id: String(params[idName]) });
  const byKey = ({ type, primaryKey: key }: z.output<typeof keyParams>): ObjectRef => ({ kind, type, primaryKey: key });

  return [
    route({
      ...shared, method: 'POST', path, role: 'publish', etag: true, summary: `Create a ${kind}; announces ${kind}:create`,
      body: createBody(kind), replies: { 201: out },
      handle: async ({ body }, context) => {
        const given = newObject(kind, body.type, body.primaryKey ?? null, body);
        return answer(201, await context.write((trx) => createObject(trx, changeContext(context, body.actor), given)));
      },
    }),
    route({
      ...shared, method: 'GET', path, role: 'read', summary: `List ${PATHS[kind]}, newest first`,
      query: listQuery.extend(objectFilters(kind)), replies: { 200: pageOf(out) },
      handle: async ({ query }, context) => {
        const list = openList(context, PATHS[kind], kind, query as ListQuery);
        const rows = await listObjects(context.sql, context.caller.workspaceId, kind, list.bounds, query as ObjectFilters);
        return { status: 200, body: list.page(rows, presentObject) };
      },
    }),
    route({
      ...shared, method: 'GET', path: `${path}/:${idName}`, role: 'read', etag: true, summary: `Read a ${kind}`, params: idParams, replies: { 200: out },
      handle: async ({ params }, context) => read(context, byId(params)),
    }),
    route({
      ...shared, method: 'PATCH', ifMatch: true, etag: true, path: `${path}/:${idName}`, role: 'write',
      summary: `Change a ${kind}: attributes are merged by key, null removes one`,
      params: idParams, body: changeBody(kind), replies: { 200: out },
      handle: async ({ params, body }, context) =>
        changed(context, byId(params), body),
    }),
    route({
      ...shared, method: 'DELETE', ifMatch: true, path: `${path}/:${idName}`, role: 'write',
      summary: `Delete a ${kind}; announces ${kind}:delete`,
      params: idParams, body: deleteBody, replies: { 204: null },
      handle: async ({ params, body }, context) => remove(context, byId(params), body?.actor),
    }),
    route({
      ...shared, method: 'GET', path: `${path}/${KEY_PATH}`, role: 'read', etag: true, summary: `Read a ${kind} by its primary key`,
      params: keyParams, replies: { 200: out },
      handle: async ({ params }, context) => read(context, byKey(params)),
    }),
    route({
      ...shared, method: 'PATCH', ifMatch: true, etag: true, path: `${path}/${KEY_PATH}`, role: 'write',
      summary: `Change a ${kind} by its primary key; with upsert=true it is created where there is none`,
      params: keyParams, query: z.strictObject({ upsert: queryFlag.optional() }), body: upsertBody(kind), replies: { 200: out, 201: out },
      handle: async ({ params, query, body }, context) => {
        if (query.upsert !== true) {
          refuseReferences(body);
          return changed(context, byKey(params), body);
        }
        const given = { ...newObject(kind, params.type, params.primaryKey, body), primaryKey: params.primaryKey };
        const { object, created } = await context.write((trx) =>
          upsertObject(trx, changeContext(context, body.actor), given, patchOf(body), context.ifMatch));
        return answer(created ? 201 : 200, object);
      },
    }),
    route({
      ...shared, method: 'DELETE', ifMatch: true, path: `${path}/${KEY_PATH}`, role: 'write',
      summary: `Delete a ${kind} by its primary key; announces ${kind}:delete`,
      params: keyParams, body: deleteBody, replies: { 204: null },
      handle: async ({ params, body }, context) => remove(context, byKey(params), body?.actor),
    }),
  ];
}

/** The calls of records, processes and tasks. */
export const objectRoutes: readonly Route[] = (['record', 'process', 'task'] as const).flatMap(routesOf);

const changeContext = (context: RouteContext, actor: ObjectBody['actor']): ChangeContext => ({
  workspaceId: context.caller.workspaceId,
  newId: context.deps.newId,
  now: context.deps.now(),
  actor: actorOf({ actor }),
});

function refuseReferences(body: ObjectBody): void {
  for (const field of ['recordId', 'processId'] as const) {
    if (body[field] !== undefined) throw invalid(field, 'can not be changed; it is taken only with upsert=true, for an object that is created');
  }
}

async function read(context: RouteContext, ref: ObjectRef): Promise<Answer> {
  const object = await findObject(context.sql, context.caller.workspaceId, ref);
  if (!object) throw noSuchObject(ref);
  return answer(200, object);
}

async function changed(context: RouteContext, ref: ObjectRef, body: ObjectBody): Promise<Answer> {
  const change = changeContext(context, body.actor);
  return answer(200, await context.write((trx) => changeObject(trx, change, ref, patchOf(body), context.ifMatch)));
}

async function remove(context: RouteContext, ref: ObjectRef, actor: ObjectBody['actor']): Promise<Answer> {
  await context.write((trx) => deleteObject(trx, changeContext(context, actor), ref, context.ifMatch));
  return { status: 204 };
}

const answer = (status: number, object: TrackedObject): Answer => ({ status, body: presentObject(object) });
