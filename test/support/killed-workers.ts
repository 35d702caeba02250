import { type Stage, useService } from './stage';

/** Short, so that the lease of an attempt whose worker died (timeout and 5 s) is soon over. */
export const POLICY = { timeout: '3s', connectTimeout: '1s', retry: { delays: ['100ms', '100ms', '100ms'], jitter: 0 }, deactivate: 'never', maxInFlight: 100, ratePerSecond: 5_000 };

/** A service without workers: each test starts those that it kills, and none of them outlives it. */
export function useKilledWorkers(): Stage {
  const stage = useService({ workers: 0 });
  afterEach(() => Promise.all(stage.service.workers().map((worker) => worker.kill('SIGTERM'))));
  return stage;
}
