import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { registerSearchAttributes } from '../../src/search-attributes';
import { askFor } from './servers';
import { until } from './wait';

/** `host:port` of the run's Temporal. */
export const temporalAddress = (): Promise<string> => askFor('temporal');

/** The workflows as the worker wants them, bundled once a run. */
export const workflowBundle = async (): Promise<{ readonly codePath: string }> => ({ codePath: await askFor('bundle') });

/** A namespace of one test file: the task queues have fixed names, so two workers in one would take each other's work. */
export async function freshNamespace(): Promise<{ readonly address: string; readonly namespace: string }> {
  const address = await temporalAddress();
  const namespace = `t-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  try {
    const workflowExecutionRetentionPeriod = { seconds: 86_400 } as unknown as Retention;
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
    // The server hears of a new namespace, and of its search attributes, when it next refreshes what it knows.
    await until(async () => (await registerSearchAttributes(connection, namespace)).length === 0, { what: 'the search attributes', deadlineMs: 60_000 });
    await until(async () => Boolean(await connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1, query: 'PosthornWorkspace = "x"' })), {
      what: 'the namespace', deadlineMs: 60_000,
    });
  } finally {
    await connection.close();
  }
  return { address, namespace };
}

type Retention = NonNullable<Parameters<Connection['workflowService']['registerNamespace']>[0]['workflowExecutionRetentionPeriod']>;
