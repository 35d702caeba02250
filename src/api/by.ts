import type { RouteContext } from './route';

/** Whose thing a command changes, and who changes it. */
export const by = ({ caller }: Pick<RouteContext, 'caller'>): { readonly workspaceId: string; readonly actor: string } =>
  ({ workspaceId: caller.workspaceId, actor: caller.keyId });
