import { notFound } from '../errors';
import { findEndpoint, type StoredEndpoint } from '../store/endpoints';
import type { RouteContext } from './route';

/** The caller's endpoint with this id. @throws AppError 404 where there is none. */
export async function requireEndpoint({ sql, caller }: Pick<RouteContext, 'sql' | 'caller'>, id: string): Promise<StoredEndpoint> {
  const endpoint = await findEndpoint(sql, caller.workspaceId, id);
  if (!endpoint) throw notFound('endpoint', id);
  return endpoint;
}
