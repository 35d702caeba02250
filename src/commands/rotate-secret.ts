import { AppError, notFound } from '../errors';
import { addAudit } from '../store/audit';
import type { Sql } from '../store/db';
import { insertSecret, retireSecret } from '../store/endpoint-secrets';
import { lockEndpoint, type StoredEndpoint } from '../store/endpoints';
import { bumpRouting } from '../store/routing-revision';
import type { EndpointBy, EndpointDeps } from './manage-endpoint';

/** Most secrets of an endpoint that still sign beside its current one. */
export const MAX_OLD_SECRETS = 10;

/**
 * Gives an endpoint a new secret; the old one signs beside it for `graceSeconds` more (0 to 604,800).
 * @throws AppError 404; 422 `limit_reached` where {@link MAX_OLD_SECRETS} others are still in their grace.
 */
export async function rotateSecret(
  deps: EndpointDeps, trx: Sql, by: EndpointBy, id: string, given: { readonly secret: string; readonly graceSeconds: number },
): Promise<StoredEndpoint> {
  const endpoint = await lockEndpoint(trx, by.workspaceId, id);
  if (!endpoint) throw notFound('endpoint', id);
  if ((await retireSecret(trx, id, given.graceSeconds)) > MAX_OLD_SECRETS) {
    throw new AppError('limit_reached',
      `The endpoint has ${MAX_OLD_SECRETS} old secrets that still sign. Wait until one has expired, or rotate with graceSeconds 0.`);
  }
  await insertSecret(trx, deps.keyRing, deps.newId('secret'), id, given.secret);
  await addAudit(trx, { id: deps.newId('audit'), ...by, action: 'endpoint.rotate-secret', subjectId: id, detail: { graceSeconds: given.graceSeconds } });
  await bumpRouting(trx, by.workspaceId, id);
  return endpoint;
}
