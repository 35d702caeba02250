import { compileRuleSet, type CompiledConditions, type RoutedEndpoint, type RuleSet } from '../domain/rule-set';
import type { Deps } from '../deps';
import { loadRouting, type Routing } from '../store/routing';

/** A workspace's rules, compiled, and its endpoints, as of one revision. Never changed: what is planned by it may take its time. */
export interface WorkspaceRouting extends Routing {
  readonly ruleSet: RuleSet;
}

/** Compiled routings by workspace. */
export interface RoutingCache {
  /**
   * The routing at `revision` or a later one. Where what is kept is older, what has changed since is read and put in its
   * place in a copy. Null where the workspace is gone.
   */
  get(workspaceId: string, revision: number): Promise<WorkspaceRouting | null>;
}

/** Most workspaces whose routing is kept; the one that was used longest ago goes first. */
const KEPT = 200;

/** Keeps compiled routings; concurrent callers of one workspace share one load. */
export function createRoutingCache(deps: Pick<Deps, 'db' | 'keyRing'>): RoutingCache {
  const kept = new Map<string, Promise<WorkspaceRouting | null>>();
  const compiled: CompiledConditions = new WeakMap();

  async function load(workspaceId: string, base: WorkspaceRouting | null): Promise<WorkspaceRouting | null> {
    const routing = await loadRouting(deps.db, deps.keyRing, workspaceId, base);
    if (!routing || routing === base) return base && routing && base;
    const ruleSet = base && owesAlike(base, routing) ? base.ruleSet
      : compileRuleSet([...routing.rules.values()], [...routing.endpoints.values()], [...routing.channels.values()], compiled);
    return { ...routing, ruleSet };
  }

  function keep(workspaceId: string, routing: Promise<WorkspaceRouting | null>): void {
    kept.delete(workspaceId);
    kept.set(workspaceId, routing);
    const [oldest] = kept.keys();
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
  }

  function reload(workspaceId: string, base: WorkspaceRouting | null): Promise<WorkspaceRouting | null> {
    const loading = load(workspaceId, base);
    keep(workspaceId, loading);
    loading.catch(() => {
      if (kept.get(workspaceId) !== loading) return;
      if (base) keep(workspaceId, Promise.resolve(base));
      else kept.delete(workspaceId);
    });
    return loading;
  }

  return {
    async get(workspaceId, revision) {
      let looked: Promise<WorkspaceRouting | null> | undefined;
      let routing: WorkspaceRouting | null = null;
      // Another caller may have begun to load while this one waited: then it joins that.
      for (let current = kept.get(workspaceId); current && current !== looked; current = kept.get(workspaceId)) {
        looked = current;
        routing = await current;
        if (!routing || routing.revision < revision) continue;
        if (kept.get(workspaceId) === current) keep(workspaceId, current);
        return routing;
      }
      return reload(workspaceId, routing);
    },
  };
}

/** Whether the same is owed by both: at most addresses, secrets, policies or the health of endpoints differ. */
function owesAlike(before: Routing, after: Routing): boolean {
  if (before.rules !== after.rules || before.channels !== after.channels || before.endpoints.size !== after.endpoints.size) return false;
  for (const [id, endpoint] of after.endpoints) {
    const old = before.endpoints.get(id);
    if (old !== endpoint && !(old && subscribesAlike(old, endpoint))) return false;
  }
  return true;
}

const subscribesAlike = (one: RoutedEndpoint, other: RoutedEndpoint): boolean =>
  one.dialect === other.dialect && one.scope === other.scope
  && one.events.length === other.events.length && one.events.every((pattern, n) => pattern === other.events[n]);
