import { deactivateEndpoint, drainEndpoint, failEndpoint, reactivateEndpoint, recoverEndpoint } from '../src/commands/switch-endpoint';
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
 * Changes an endpoint's status; one that was deleted meanwhile has none to change. Runs twice: the second finds it
 * changed already and does nothing.
 */
export const createSwitchEndpoint = ({ deps }: ActivityParts) => async ({ workspaceId, endpointId, by, wish }: {
  readonly workspaceId: string; readonly endpointId: string; readonly by: 'watcher' | 'signal' | 'probe'; readonly wish: EndpointSwitch;
}): Promise<void> => {
  const subject = { workspaceId, endpointId, actor: by };
  await deps.db.transaction(async (trx) => {
    if (!(await lockEndpoint(trx, workspaceId, endpointId))) return;
    switch (wish.do) {
      case 'deactivate': return void await deactivateEndpoint(deps, trx, { ...subject, reason: wish.reason });
      case 'reactivate': return void await reactivateEndpoint(deps, trx, { ...subject, drain: wish.drain });
      case 'drain': return void await drainEndpoint(deps, trx, { ...subject, action: wish.action });
      case 'fail': return void await failEndpoint(deps, trx, subject);
      case 'recover': return void await recoverEndpoint(deps, trx, subject);
    }
  });
};
