import { cancellationSignal } from '@temporalio/activity';
import type { Ramp } from '../src/domain/ramp';
import { serveLane, type LaneReport } from '../src/engine/lane';
import type { LaneMode } from '../src/store/lane';
import { beating } from './beating';
import type { ActivityParts } from './index';

/** One turn of a lane takes about this long, so that the watcher can take signals in between. */
const TURN_MS = 8_000;

/**
 * Sends what waits in an endpoint's lane. Runs twice only after a worker was lost: the attempts that it left open are
 * waited for until their leases are over.
 */
export const createServeEndpoint = (parts: ActivityParts) => (order: {
  readonly workspaceId: string; readonly endpointId: string; readonly mode: LaneMode; readonly ramp: Ramp | null; readonly atMost: number | null;
}): Promise<LaneReport> => beating(serveLane(parts, { ...order, forMs: TURN_MS }, cancellationSignal()));
