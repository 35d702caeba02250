import { z } from 'zod';
import { acceptRecovery, type AskedRecovery } from '../../commands/accept-recovery';
import { estimateRecovery } from '../../commands/estimate-recovery';
import { by } from '../by';
import { presentJob } from '../present-job';
import { route, type Answer, type Route, type RouteContext } from '../route';
import { acceptedJob } from '../schemas/job';
import { backfillBody, recoverBody, recoveryEstimate } from '../schemas/recovery';
import { idOf } from '../schemas/shared';

const replies = { 200: recoveryEstimate, 202: acceptedJob };

/** Making good what an endpoint did not get. */
export const recoveryRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/endpoints/:endpointId/recover', role: 'write', tag: 'endpoints',
    summary: 'Deliver in a background job what an endpoint did not get since a time; with dryRun tell how much that is',
    params: z.object({ endpointId: idOf('endpoint') }), body: recoverBody, replies,
    handle: ({ params: { endpointId }, body }, context) => answer(context, body.dryRun, { ...times(body), endpointId, ruleId: null, only: body.only }),
  }),
  route({
    method: 'POST', path: '/v1/rules/:ruleId/backfill', role: 'write', tag: 'rules',
    summary: 'Deliver in a background job what a rule would have matched since a time; with dryRun tell how much that is',
    params: z.object({ ruleId: idOf('rule') }), body: backfillBody, replies,
    handle: ({ params: { ruleId }, body }, context) => answer(context, body.dryRun, { ...times(body), endpointId: body.endpointId, ruleId, only: 'missing' }),
  }),
];

const times = ({ since, until, ratePerSecond }: Omit<z.output<typeof backfillBody>, 'endpointId'>): Pick<AskedRecovery, 'since' | 'until' | 'ratePerSecond'> =>
  ({ since, until: until ?? null, ratePerSecond: ratePerSecond ?? null });

async function answer(context: RouteContext, isDryRun: boolean, asked: AskedRecovery): Promise<Answer> {
  const { deps } = context;
  if (!isDryRun) return { status: 202, body: { job: presentJob(deps.config, await context.write((trx) => acceptRecovery(deps, trx, by(context), asked))) } };
  const { isComplete, ...estimate } = await context.read((sql) => estimateRecovery(deps, sql, by(context), asked));
  return { status: 200, body: { dryRun: true, complete: isComplete, ...estimate } };
}
