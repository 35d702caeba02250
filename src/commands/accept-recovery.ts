import type { Deps } from '../deps';
import type { Job } from '../domain/job';
import { recoveryParameters, type Recovery } from '../domain/recovery';
import { invalid, notFound } from '../errors';
import { addAudit } from '../store/audit';
import type { Sql } from '../store/db';
import { findEndpoint, type StoredEndpoint } from '../store/endpoints';
import { pastOf, startOf } from '../store/recovery-scan';
import { findRule } from '../store/rules';
import { openJob } from './accept-job';

/** Whose recovery, and who asks for it: a key's id or `root`. */
export interface RecoveryBy {
  readonly workspaceId: string;
  readonly actor: string;
}

/** What a caller asks for; `until` null: now. */
export type AskedRecovery = Omit<Recovery, 'until'> & { readonly until: Date | null };

/**
 * The recovery that is meant, and its endpoint: `until` is at most now.
 * @throws AppError 404 for a rule or, without one, an endpoint that the workspace has not; 422 `invalid` for times that name
 * nothing, and for an endpoint that is not one of the rule's.
 */
export async function readRecovery({ now }: Pick<Deps, 'now'>, sql: Sql, { workspaceId }: RecoveryBy, asked: AskedRecovery): Promise<{ recovery: Recovery; endpoint: StoredEndpoint }> {
  const { ruleId, endpointId, since } = asked;
  if (ruleId !== null) {
    const rule = await findRule(sql, workspaceId, ruleId);
    if (!rule) throw notFound('rule', ruleId);
    if (!rule.endpointIds.includes(endpointId)) throw invalid('endpointId', `must be one of the rule's endpoints; ${endpointId} is not`);
  }
  const endpoint = await findEndpoint(sql, workspaceId, endpointId);
  if (!endpoint) throw notFound('endpoint', endpointId);
  // What was made in this millisecond belongs to it.
  const present = new Date(now().getTime() + 1);
  if (since >= present) throw invalid('since', 'must be in the past');
  if (asked.until && asked.until <= since) throw invalid('until', 'must be later than since');
  const until = asked.until && asked.until < present ? asked.until : present;
  return { recovery: { ...asked, until }, endpoint };
}

/**
 * Stores a recovery or a backfill as a job and has its workflow started.
 * @throws AppError as {@link readRecovery} does; 422 `limit_reached` where the workspace has as many open jobs as it may.
 */
export async function acceptRecovery(deps: Pick<Deps, 'newId' | 'now'>, trx: Sql, by: RecoveryBy, asked: AskedRecovery): Promise<Job> {
  const { recovery } = await readRecovery(deps, trx, by, asked);
  const { workspaceId } = by;
  const { ruleId, endpointId } = recovery;
  const parameters = recoveryParameters(recovery);
  const past = pastOf({ ...recovery, workspaceId, madeBy: recovery.until });
  const job = await openJob(deps, trx, { workspaceId, kind: ruleId === null ? 'recover' : 'backfill', parameters, total: 0, cursor: startOf(past, recovery.since) });
  await addAudit(trx, {
    id: deps.newId('audit'), ...by, action: ruleId === null ? 'endpoint.recover-deliveries' : 'rule.backfill', subjectId: ruleId ?? endpointId,
    detail: { jobId: job.id, ...parameters },
  });
  return job;
}
