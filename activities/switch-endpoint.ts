import { deactivateEndpoint, drainEndpoint, failEndpoint, reactivateEndpoint, recoverEndpoint } from '../src/commands/switch-endpoint';
import { isAutomatic } from '../src/domain/endpoint';
import { AppError } from '../src/errors';
import { lockEndpoint } from '../src/store/endpoints';
import type { ActivityParts } from './index';

/** A change of an endpoint's status that its watcher decided on, or that a person asked for by a signal. */
export type EndpointSwitch =
  | { readonly do: 'deactivate'; readonly reason: string }
  | { readonly do: 'reactivate'; readonly drain: boolean }
  | { readonly do: 'drain'; readonly action: 'start' | 'pause' | 'drop' }
  | { readonly do: 'fail' }
  | { readonly do: 'recover' };

/**
 * Changes an endpoint's status; one that was deleted meanwhile has none to change, and a signal that asks for what is
 * not possible as things stand changes nothing: there is nobody to tell. Runs twice: the second finds it changed already
 * and does nothing.
 */
export const createSwitchEndpoint = ({ deps, onOutbox }: ActivityParts) => async ({ workspaceId, endpointId, by, wish }: {
  readonly workspaceId: string; readonly endpointId: string; readonly by: 'watcher' | 'signal' | 'probe'; readonly wish: EndpointSwitch;
}): Promise<void> => {
  const subject = { workspaceId, endpointId, actor: by };
  const change = deps.db.transaction(async (trx) => {
    const endpoint = await lockEndpoint(trx, workspaceId, endpointId);
    // A person who deactivated it while the probe was on its way has the last word.
    if (!endpoint || (by === 'probe' && endpoint.status === 'DEACTIVATED' && !isAutomatic(endpoint.statusReason))) return;
    switch (wish.do) {
      case 'deactivate': return void await deactivateEndpoint(deps, trx, { ...subject, reason: wish.reason });
      case 'reactivate': return void await reactivateEndpoint(deps, trx, { ...subject, drain: wish.drain });
      case 'drain': return void await drainEndpoint(deps, trx, { ...subject, action: wish.action });
      case 'fail': return void await failEndpoint(deps, trx, subject);
      case 'recover': return void await recoverEndpoint(deps, trx, subject);
    }
  });
  await change.then(() => onOutbox(true), (error: unknown) => {
    if (!(error instanceof AppError)) throw error;
    deps.log.warn({ endpointId, by, wish, error: error.message }, 'watcher.not_possible');
  });
};
