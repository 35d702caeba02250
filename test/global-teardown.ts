import { rm } from 'node:fs/promises';
import './global-setup';

/** Stops the run's servers and removes their files. */
export default async function tearDown(): Promise<void> {
  const run = globalThis.posthornTestRun;
  if (!run) return;
  run.offer.close();
  run.offer.closeAllConnections();
  await Promise.all(run.servers.map((server) => server.stop()));
  await rm(run.folder, { recursive: true, force: true });
}
