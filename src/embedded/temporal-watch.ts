import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { Guarded } from './guarded';

const LOOK_EVERY_MS = 5_000;
const LOOK_MS = 3_000;

/**
 * Ends a dev server that runs and has answered nothing for `silentMs`, for whoever keeps it to start it again. A call that is broken
 * off at the wrong moment can leave its connection to SQLite unusable for good (SQLITE_INTERRUPT, "interrupted (9)", to each call).
 */
export async function endWhenSilent(address: string, namespace: string, server: Guarded, silentMs: number, progress: (line: string) => void): Promise<void> {
  const connection = Connection.lazy({ address });
  let answeredAt = performance.now();
  while (!server.ended()) {
    await Promise.race([delay(Math.min(LOOK_EVERY_MS, silentMs / 4), null, { ref: false }), server.end]);
    if (server.ended()) break;
    const since = performance.now();
    const fault = await connection.withDeadline(Date.now() + LOOK_MS, () => connection.workflowService.describeNamespace({ namespace })).then(() => null, (error: unknown) => String(error));
    // Of a machine that slept meanwhile the first look says nothing.
    if (fault === null || since - answeredAt > 3 * silentMs) answeredAt = performance.now();
    else if (!server.ended() && performance.now() - answeredAt > silentMs) {
      progress(`Temporal's dev server has answered nothing for ${Math.round(silentMs / 1_000)} s (${fault}): it is ended`);
      await server.stop();
    }
  }
  await connection.close();
}
