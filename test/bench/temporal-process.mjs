/** A worker with a bundle of its own that does nothing, and a client beside it: what Temporal itself can do here at most. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { answerCalls } from './child.mjs';
import { nowMs, pause } from './clock.mjs';

const require = createRequire(import.meta.url);
const TASK_QUEUE = 'posthorn-bench-empty';
/** As many as the relay starts at once where its pace does not limit it. */
const CONCURRENT_STARTS = 40;
const LOOK_MS = 100;

let open = null;
let round = 0;

answerCalls({
  /** Bundles the workflows, and polls; with the settings of the service's worker. */
  async open({ address, namespace }) {
    const { NativeConnection, Runtime, Worker, DefaultLogger, bundleWorkflowCode } = require('@temporalio/worker');
    const { Client } = require('@temporalio/client');
    const logger = new DefaultLogger('WARN');
    Runtime.install({ shutdownSignals: [], logger });
    const workflowBundle = await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('./empty-workflows.ts', import.meta.url)), logger });
    // Eager starts need the client on the worker's own connection.
    const connection = await NativeConnection.connect({ address, grpcCompression: { codec: 'none' } });
    const worker = await Worker.create({
      connection, namespace, taskQueue: TASK_QUEUE, workflowBundle, activities: { nothing: () => Promise.resolve() },
      maxConcurrentWorkflowTaskExecutions: 400, maxConcurrentLocalActivityExecutions: 1_000, maxCachedWorkflows: 1_000,
      workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 4 },
    });
    open = { connection, worker, running: worker.run(), workflow: new Client({ connection, namespace }).workflow };
  },

  /** Starts so many, and waits until Temporal counts them all as completed. Answers how long that took, and this process's CPU time. */
  async measure({ type, count, isEager, withinMs }) {
    const { workflow } = open;
    round += 1;
    const prefix = `bench-${type}-${round}`;
    const cpuBefore = process.cpuUsage();
    const startedAt = nowMs();
    let next = 0;
    const lane = async () => {
      while (next < count) {
        next += 1;
        await workflow.start(type, { taskQueue: TASK_QUEUE, workflowId: `${prefix}-${next}`, args: [], requestEagerStart: isEager });
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_STARTS }, lane));
    const query = `TaskQueue = "${TASK_QUEUE}" AND WorkflowId STARTS_WITH "${prefix}-" AND ExecutionStatus = "Completed"`;
    let completed = 0;
    while (completed < count && nowMs() - startedAt < withinMs) {
      await pause(LOOK_MS);
      completed = (await workflow.count(query)).count;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    return { completed, tookMs: nowMs() - startedAt, cpuS: (user + system) / 1e6 };
  },

  async close() {
    open.worker.shutdown();
    await open.running;
    await open.connection.close();
  },
});
