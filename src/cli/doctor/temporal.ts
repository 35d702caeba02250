import type { Connection } from '@temporalio/client';
import type { Config } from '../../config';
import { SEARCH_ATTRIBUTE_TYPES } from '../../search-attributes';
import { connectTemporal } from '../../temporal';
import { TASK_QUEUE } from '../../../workflows/contract';
import { messageOf } from '../exit-codes';
import { CLOCK_FAILURE_MS, CLOCK_WARNING_MS, type Finding, findings } from './finding';

const PATIENCE_MS = 5_000;
/** A poller asks anew at least once a minute; two missed turns are taken for its end. */
const POLLED_WITHIN_MS = 150_000;

type Service = Pick<Connection, 'workflowService' | 'operatorService'>;

/** Temporal: that it answers, its version, namespace, search attributes and clock, and that a worker asks it for work. */
export async function checkTemporal(config: Config): Promise<Finding[]> {
  const address = config.TEMPORAL_ADDRESS ?? '127.0.0.1:7233';
  const { ok, failed } = findings('Temporal');
  try {
    const connection = await within(connectTemporal(config));
    try {
      return await connection.withDeadline(Date.now() + PATIENCE_MS * 2, async () => {
        const { serverVersion } = await connection.workflowService.getSystemInfo({});
        const namespace = await checkNamespace(connection, config.TEMPORAL_NAMESPACE);
        const rest = namespace.status === 'failed' ? [] : [await checkAttributes(connection, config.TEMPORAL_NAMESPACE), ...(await checkWorkers(connection, config.TEMPORAL_NAMESPACE))];
        return [ok(`${serverVersion} at ${address}`), namespace, ...rest];
      });
    } finally {
      await connection.close();
    }
  } catch (error) {
    const todo = config.TEMPORAL_ADDRESS === undefined
      ? 'npm start brings one; it may have taken another port: set TEMPORAL_ADDRESS to the one that it printed' : 'start it, or mend TEMPORAL_ADDRESS, TEMPORAL_API_KEY and the TLS files';
    return [failed(`${address}: ${messageOf(error)}`, todo)];
  }
}

async function checkNamespace({ workflowService }: Service, namespace: string): Promise<Finding> {
  const { ok, failed } = findings('namespace');
  try {
    const { config } = await workflowService.describeNamespace({ namespace });
    const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400;
    return ok(`${namespace}, which keeps workflows for ${Math.round(days * 10) / 10} days after their end`);
  } catch (error) {
    return failed(`${namespace}: ${messageOf(error)}`, `temporal operator namespace create --namespace ${namespace}, or mend TEMPORAL_NAMESPACE`);
  }
}

async function checkAttributes({ operatorService }: Service, namespace: string): Promise<Finding> {
  const { ok, warning, skipped } = findings('search attributes');
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = Object.keys(SEARCH_ATTRIBUTE_TYPES).filter((name) => customAttributes?.[name] === undefined);
    return missing.length === 0 ? ok('all are there') : warning(`${missing.join(', ')} are missing`, 'a worker makes them when it starts; in Temporal Cloud make them by hand (docs/operating.md)');
  } catch (error) {
    return skipped(`this account may not see them: ${messageOf(error)}`);
  }
}

async function checkWorkers({ workflowService }: Service, namespace: string): Promise<Finding[]> {
  const [workers, clock] = [findings('workers'), findings("Temporal's clock")];
  const { pollers } = await workflowService.describeTaskQueue({ namespace, taskQueue: { name: TASK_QUEUE }, taskQueueType: 1 });
  const asked = (pollers ?? []).map(({ identity, lastAccessTime }) => ({ identity: identity ?? '', at: Number(lastAccessTime?.seconds ?? 0) * 1_000 }));
  const now = Date.now();
  const polling = asked.filter(({ at }) => at >= now - POLLED_WITHIN_MS);
  const newest = Math.max(...asked.map(({ at }) => at));
  const found = polling.length > 0
    ? workers.ok(`${polling.length} ask for work: ${polling.map(({ identity }) => identity).join(', ')}`)
    : workers.failed('none has asked for work lately: nothing is delivered', 'start one: posthorn work');
  if (asked.length === 0) return [found, clock.skipped('it is told by the last time that a worker asked, and none has')];
  // It tells no time of its own. A worker asks all the time, so its clock is between the newest question and a minute after that.
  const aheadMs = newest - now;
  const detail = aheadMs > 0 ? `at least ${aheadMs} ms ahead of this machine's` : `not ahead of this machine's, by the last time that a worker asked`;
  const todo = 'have both machines set their clocks (NTP): retries are timed by both';
  if (aheadMs >= CLOCK_FAILURE_MS) return [found, clock.failed(detail, todo)];
  return [found, aheadMs >= CLOCK_WARNING_MS ? clock.warning(detail, todo) : clock.ok(detail)];
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
