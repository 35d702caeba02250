import { compileRuleSet, type RuleSet } from '../domain/rule-set';
import type { Deps } from '../deps';
import { loadRouting, type RoutedEndpoint } from '../store/routing';

/** A workspace's rules, compiled, and its endpoints, as of one revision. */
export interface WorkspaceRouting {
  readonly revision: number;
  readonly ruleSet: RuleSet;
  readonly endpoints: ReadonlyMap<string, RoutedEndpoint>;
}

/** Compiled routings by workspace. */
export interface RoutingCache {
  /**
   * The routing at `revision` or a later one; loaded anew where what is kept is older. Null where the workspace is gone.
   */
  get(workspaceId: string, revision: number): Promise<WorkspaceRouting | null>;
}

/** Most workspaces whose routing is kept; the one that was used longest ago goes first. */
const KEPT = 200;

/** Keeps compiled routings; concurrent callers of one workspace share one load. */
export function createRoutingCache(deps: Pick<Deps, 'db' | 'keyRing'>): RoutingCache {
  const kept = new Map<string, Promise<WorkspaceRouting | null>>();

  async function load(workspaceId: string): Promise<WorkspaceRouting | null> {
    const routing = await loadRouting(deps.db, deps.keyRing, workspaceId);
    return routing && {
      revision: routing.revision,
      ruleSet: compileRuleSet(routing.rules, routing.endpoints, routing.channels),
      endpoints: new Map(routing.endpoints.map((endpoint) => [endpoint.id, endpoint])),
    };
  }

  function reload(workspaceId: string): Promise<WorkspaceRouting | null> {
    const loading = load(workspaceId);
    kept.set(workspaceId, loading);
    loading.catch(() => kept.get(workspaceId) === loading && kept.delete(workspaceId));
    const [oldest] = kept.keys();
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
    return loading;
  }

  return {
    async get(workspaceId, revision) {
      const current = kept.get(workspaceId);
      const routing = current && (await current);
      if (routing && routing.revision >= revision) {
        if (kept.get(workspaceId) === current) {
          kept.delete(workspaceId);
          kept.set(workspaceId, current);
        }
        return routing;
      }
      // Another caller may have begun to load while this one waited: join it.
      const newer = kept.get(workspaceId);
      const joined = newer && newer !== current ? await newer : null;
      return joined && joined.revision >= revision ? joined : reload(workspaceId);
    },
  };
}
