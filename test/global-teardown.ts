import { rm } from 'node:fs/promises';
import './global-setup';

/** Stops the run's servers and removes their files. */
export default async function tearDown(): Promise<void> {
  const run = globalThis.posthornTestRun;
  if (!run) return;
  await run.postgres.server.stop();
  await rm(run.folder, { recursive: true, force: true });
}
