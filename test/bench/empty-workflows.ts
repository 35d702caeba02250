import { proxyLocalActivities } from '@temporalio/workflow';

const { nothing } = proxyLocalActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '1m' });

/** Does nothing: what a workflow costs that only begins and ends. */
export async function empty(): Promise<void> {}

/** Does nothing once, in the worker: what a workflow costs that has one local activity. */
export async function oneActivity(): Promise<void> {
  await nothing();
}
