import type { LaneParts } from '../src/engine/lane';
import type { SettleParts } from '../src/engine/settle';
import type { RetryParts } from '../src/engine/retry';
import { createAttemptFirst } from './attempt-first';
import { createLookAtEndpoint } from './look-at-endpoint';
import { createLookAtJob } from './look-at-job';
import { createPlanEvents } from './plan-events';
import { createRecoverPage } from './recover-page';
import { createRetryDelivery } from './retry-delivery';
import { createServeEndpoint } from './serve-endpoint';
import { createSwitchEndpoint } from './switch-endpoint';
import { createSwitchJob } from './switch-job';
import { createWritePage } from './write-page';

export type { EndpointLook } from './look-at-endpoint';
export type { EndpointSwitch } from './switch-endpoint';

/** What the activities share with the relay of their process. */
export type ActivityParts = SettleParts & RetryParts & LaneParts;

/** All activities, over their parts. Each may run twice and says what happens then. */
export const createActivities = (parts: ActivityParts) => ({
  planEvents: createPlanEvents(parts),
  attemptFirst: createAttemptFirst(parts),
  retryDelivery: createRetryDelivery(parts),
  lookAtEndpoint: createLookAtEndpoint(parts),
  serveEndpoint: createServeEndpoint(parts),
  switchEndpoint: createSwitchEndpoint(parts),
  lookAtJob: createLookAtJob(parts),
  switchJob: createSwitchJob(parts),
  writePage: createWritePage(parts),
  recoverPage: createRecoverPage(parts),
});

/** The activities' types, for workflows. */
export type Activities = ReturnType<typeof createActivities>;
