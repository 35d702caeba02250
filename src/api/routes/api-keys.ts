import { z } from 'zod';
import { createKey, revokeKey } from '../../commands/manage-keys';
import { listApiKeys, type ApiKeyRow } from '../../store/api-keys';
import { listAudit } from '../../store/audit';
import { listQuery, openList } from '../lists';
import { route, type Route } from '../route';
import { auditOut, keyBody, keyOut, newKeyOut } from '../schemas/keys';
import { idOf, pageOf } from '../schemas/shared';

const tag = 'keys';

const present = (row: ApiKeyRow) => ({
  id: row.id, name: row.name, role: row.role, createdAt: row.created_at.toISOString(), lastUsedAt: row.last_used_at?.toISOString() ?? null,
});

/** The calls of API keys, and of the audit trail. */
export const apiKeyRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/api-keys', role: 'admin', tag, summary: 'Make an API key; its text is shown this once', secretReply: true,
    body: keyBody, replies: { 201: newKeyOut },
    handle: async ({ body }, context) => {
      const { newId } = context.deps;
      const { workspaceId, keyId } = context.caller;
      const { row, key } = await context.write((trx) => createKey(trx, newId, keyId, workspaceId, body));
      return { status: 201, body: { ...present(row), key } };
    },
  }),
  route({
    method: 'GET', path: '/v1/api-keys', role: 'admin', tag, summary: 'List the API keys that are not revoked, newest first',
    query: listQuery, replies: { 200: pageOf(keyOut) },
    handle: async ({ query }, context) => {
      const list = openList(context, 'api-keys', 'key', query);
      return { status: 200, body: list.page(await listApiKeys(context.sql, context.caller.workspaceId, list.bounds), present) };
    },
  }),
  route({
    method: 'DELETE', path: '/v1/api-keys/:keyId', role: 'admin', tag, summary: 'Revoke an API key; it is refused from then on, by other processes within a second',
    params: z.object({ keyId: idOf('key') }), replies: { 204: null },
    handle: async ({ params }, context) => {
      const { workspaceId, keyId } = context.caller;
      await context.write((trx) => revokeKey(trx, context.deps.newId, keyId, workspaceId, params.keyId));
      context.refuseKey(params.keyId);
      return { status: 204 };
    },
  }),
  route({
    method: 'GET', path: '/v1/audit', role: 'admin', tag: 'audit', summary: 'Who or what changed an endpoint, a rule or a key, newest first',
    query: listQuery.extend({ subjectId: z.string().max(64).optional() }), replies: { 200: pageOf(auditOut) },
    handle: async ({ query }, context) => {
      const list = openList(context, 'audit', 'audit', query);
      const rows = await listAudit(context.sql, context.caller.workspaceId, list.bounds, query.subjectId ?? null);
      const body = list.page(rows, ({ id, actor, action, subject_id: subjectId, detail, created_at: createdAt }) =>
        ({ id, actor, action, subjectId, detail: JSON.parse(detail) as unknown, createdAt: createdAt.toISOString() }));
      return { status: 200, body };
    },
  }),
];
