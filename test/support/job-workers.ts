import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Activities } from '../../activities';
import { SLOW_TASK_QUEUE, TASK_QUEUE } from '../../workflows/contract';
import { freshNamespace, workflowBundle } from './temporal';

/** Workers for both task queues in a namespace of their own. */
export interface JobWorkers {
  readonly client: Client;
  stop(): Promise<void>;
}

/** Starts them with these activities in the place of the service's own. */
export async function startJobWorkers(activities: Partial<Activities>): Promise<JobWorkers> {
  // Of what fails on purpose nobody needs to read.
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const { address, namespace } = await freshNamespace();
  const [native, connection] = await Promise.all([NativeConnection.connect({ address }), Connection.connect({ address })]);
  const shared = { connection: native, namespace, activities };
  const workers = await Promise.all([
    Worker.create({ ...shared, taskQueue: TASK_QUEUE, workflowBundle: await workflowBundle() }),
    Worker.create({ ...shared, taskQueue: SLOW_TASK_QUEUE }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    client: new Client({ connection, namespace }),
    async stop() {
      workers.forEach((worker) => worker.shutdown());
      await running;
      await native.close();
      await connection.close();
    },
  };
}
