import { createWorkspace } from '../../commands/manage-keys';
import { listWorkspaces, type WorkspaceRow } from '../../store/workspaces';
import { listQuery, openList } from '../lists';
import { wideRoute, type Route } from '../route';
import { workspaceBody, workspaceOut } from '../schemas/keys';
import { pageOf } from '../schemas/shared';

const tag = 'workspaces';

const present = (row: WorkspaceRow) => ({ id: row.id, name: row.name, createdAt: row.created_at.toISOString() });

/** The calls of workspaces, for the root key alone. */
export const workspaceRoutes: readonly Route[] = [
  wideRoute({
    method: 'POST', path: '/v1/workspaces', role: 'root', tag, summary: 'Make a workspace', body: workspaceBody, replies: { 201: workspaceOut },
    handle: async ({ body }, context) => {
      const row = await context.writeAnywhere((trx) => createWorkspace(trx, context.deps.newId, context.caller.keyId, body.name));
      return { status: 201, body: present(row) };
    },
  }),
  wideRoute({
    method: 'GET', path: '/v1/workspaces', role: 'root', tag, summary: 'List all workspaces, newest first',
    query: listQuery, replies: { 200: pageOf(workspaceOut) },
    handle: async ({ query }, context) => {
      const list = openList(context, 'workspaces', 'workspace', query);
      return { status: 200, body: list.page(await listWorkspaces(context.everywhere, list.bounds), present) };
    },
  }),
];
