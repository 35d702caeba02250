import { Worker, type CompiledWorkerOptions, type Logger } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMapAndFilename } from '@temporalio/worker/lib/workflow/workflow-worker-thread/input';

/**
 * A Worker of the SDK that calls into the workflows' sandbox without a time limit. For each call with one, Node.js starts a thread
 * that watches the clock, and ends it after the call: some twenty times a workflow, which is half of what running it takes. The
 * limit is there for workflow code that never gives its turn back; ours has no loop that does not wait in each round.
 */
export class UntimedWorker extends Worker {
  protected static override createWorkflowCreator(bundle: WorkflowBundleWithSourceMapAndFilename, options: CompiledWorkerOptions, logger: Logger) {
    // What `vm` takes for "no limit"; the SDK's settings know none.
    return super.createWorkflowCreator(bundle, { ...options, isolateExecutionTimeoutMs: undefined as never }, logger);
  }
}
