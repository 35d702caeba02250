import type { Deps } from '../deps';
import { effectivePolicy } from '../domain/dialect';
import { isOver, NOTHING_RECOVERED, type Job } from '../domain/job';
import { recoveryOf, remedyOf } from '../domain/recovery';
import type { Sql } from '../store/db';
import { lockEndpoint, type StoredEndpoint } from '../store/endpoints';
import { lockJob, updateJobStatus } from '../store/jobs';
import { addSignals } from '../store/outbox';
import { insertRecovered, latestOf, lockPlans, saveWalked, wakeAll, type Beginning } from '../store/recoveries';
import type { Findings, Found } from './find-owed';

/**
 * Does what was found for the events of one page, and writes how far the job is, in one transaction: so a page that is done
 * again finds the cursor behind it and does nothing. Each event is looked at again under the lock of its plan, so that two
 * jobs, or a job and a person, never deliver it twice.
 * @returns how many deliveries were made or woken; null where nothing may be done now: it is paused, over, or further than `job`.
 */
export async function handOver(deps: Pick<Deps, 'newId'>, trx: Sql, before: Job, { found, looked, place, isEnd }: Findings): Promise<number | null> {
  const job = await lockJob(trx, before.workspaceId, before.id);
  if (!job || !mayGoOn(job) || job.cursor !== before.cursor) return null;
  const { endpointId, only } = recoveryOf(job.parameters);
  // Its status is kept until the commit: what is made for an endpoint that is deactivated meanwhile is held with all the rest.
  const endpoint = await lockEndpoint(trx, job.workspaceId, endpointId, 'for share');
  if (!endpoint) return endWithout(trx, job, `the endpoint ${endpointId} was deleted`);
  const due = found.length === 0 ? NOTHING_DUE : await lookAgain(trx, job, endpointId, only, found);
  await insertRecovered(trx, job.workspaceId, endpointId, beginningAt(endpoint), [
    ...due.resend.map(({ eventId, id }) => ({ eventId, id: deps.newId('delivery'), resendOf: id })),
    ...due.add.map((eventId) => ({ eventId, id: deps.newId('delivery'), resendOf: null })),
  ]);
  await wakeAll(trx, due.wake);
  const count = due.resend.length + due.add.length + due.wake.length;
  if (count > 0) await addSignals(trx, [{ workspaceId: job.workspaceId, endpointId, signal: 'changed' }]);
  const { resent, added, woken } = job.result ?? NOTHING_RECOVERED;
  await saveWalked(trx, {
    ...job, done: job.done + looked, cursor: isEnd ? null : place,
    result: { resent: resent + due.resend.length, added: added + due.add.length, woken: woken + due.wake.length },
  });
  return count;
}

/** Whether a job's pages may be done. */
export const mayGoOn = (job: Job): boolean => !isOver(job.status) && job.status !== 'PAUSED' && job.cursor !== null;

/** Ends a job that is locked: what it is for is not there any more. */
export async function endWithout(trx: Sql, job: Job, why: string): Promise<null> {
  await updateJobStatus(trx, job.id, 'FAILED', why);
  return null;
}

/** What is handed over to an endpoint that is called leaves as a drain does: with one request in flight at first. */
function beginningAt({ status, drainPaused, dialect, policyOverrides }: StoredEndpoint): Beginning {
  if (status === 'FAILING') return { status: 'PENDING', reason: 'endpoint_failing', holdForMs: null };
  if (status === 'ACTIVE' && !drainPaused) return { status: 'PENDING', reason: 'draining', holdForMs: null };
  const { holdForMs } = effectivePolicy(dialect, policyOverrides);
  return { status: 'HELD', reason: status === 'DEACTIVATED' ? 'endpoint_deactivated' : 'drain_paused', holdForMs };
}

interface Due {
  readonly resend: readonly { readonly eventId: string; readonly id: string }[];
  readonly wake: readonly { readonly eventId: string; readonly id: string }[];
  readonly add: readonly string[];
}

const NOTHING_DUE: Due = { resend: [], wake: [], add: [] };

async function lookAgain(trx: Sql, job: Job, endpointId: string, only: Parameters<typeof remedyOf>[0], found: readonly Found[]): Promise<Due> {
  const eventIds = found.map(({ eventId }) => eventId);
  const planned = await lockPlans(trx, job.workspaceId, eventIds);
  const latest = await latestOf(trx, endpointId, eventIds);
  const due = found.flatMap(({ eventId, remedy: seen }) => {
    const delivery = latest.get(eventId) ?? null;
    const remedy = remedyOf(only, delivery);
    // Only what was found to be owed may be added.
    return planned.has(eventId) && remedy !== null && (remedy !== 'add' || seen === 'add') ? [{ eventId, id: delivery?.id ?? '', remedy }] : [];
  });
  return {
    resend: due.filter(({ remedy }) => remedy === 'resend'),
    wake: due.filter(({ remedy }) => remedy === 'wake'),
    add: due.filter(({ remedy }) => remedy === 'add').map(({ eventId }) => eventId),
  };
}
