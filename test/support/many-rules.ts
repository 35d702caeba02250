import type { KeyRing } from '../../src/seal';
import type { Db } from '../../src/store/db';
import { secretPlace } from '../../src/store/sealed-places';
import { analyzeForGood } from './explain';
import { makeWorkspace, newId } from './make';

/** A workspace with much to route by. */
export interface ManyRules {
  readonly workspaceId: string;
  readonly endpointIds: readonly string[];
  readonly ruleIds: readonly string[];
}

/** Makes `endpoints` with a secret each, half of them with a subscription, and `rules`, each with a condition of its own and two endpoints. */
export async function makeManyRules(db: Db, keyRing: KeyRing, endpoints: number, rules: number): Promise<ManyRules> {
  const workspaceId = await makeWorkspace(db);
  const endpointIds = Array.from({ length: endpoints }, () => newId('endpoint'));
  const ruleIds = Array.from({ length: rules }, () => newId('rule'));
  const secretIds = endpointIds.map(() => newId('secret'));
  await db.query({
    text: `insert into endpoints (id, workspace_id, url, dialect, events)
           select id, $2, 'http://127.0.0.1:9/', 'standard', case when n % 2 = 0 then '{order.placed}'::text[] else '{}' end
           from unnest($1::text[]) with ordinality e(id, n)`,
    values: [endpointIds, workspaceId],
  });
  await db.query({ text: 'insert into endpoint_health (endpoint_id) select unnest($1::text[])', values: [endpointIds] });
  await db.query({
    text: 'insert into endpoint_secrets (id, endpoint_id, sealed) select * from unnest($1::text[], $2::text[], $3::text[])',
    values: [secretIds, endpointIds, secretIds.map((id) => keyRing.seal(`whsec_of_${id}`, secretPlace(id)))],
  });
  await db.query({
    text: `insert into rules (id, workspace_id, name, events, condition, endpoint_ids)
           select id, $2, 'rule ' || n, case when n % 3 = 0 then '{process:*}'::text[] else '{process:state-change}' end,
                  json_build_object('type', 'lead', 'state', 'S' || n % 500, 'attributes.amount', json_build_object('$gt', n)),
                  array[($3::text[])[1 + n % $4::int], ($3::text[])[1 + (n + $4::int / 2) % $4::int]]
           from unnest($1::text[]) with ordinality r(id, n)`,
    values: [ruleIds, workspaceId, endpointIds, endpoints],
  });
  await analyzeForGood(db);
  return { workspaceId, endpointIds, ruleIds };
}
