import { openapiRoute } from '../openapi';
import type { Route } from '../route';
import { apiKeyRoutes } from './api-keys';
import { bulkRoutes } from './bulk';
import { channelRoutes } from './channels';
import { deliveryRoutes } from './deliveries';
import { endpointRoutes } from './endpoints';
import { eventTypeRoutes } from './event-types';
import { eventRoutes } from './events';
import { fileRoutes } from './files';
import { flowRoutes } from './flows';
import { healthRoutes } from './health';
import { inboundRoutes } from './inbound';
import { jobRoutes } from './jobs';
import { objectRoutes } from './objects';
import { recoveryRoutes } from './recovery';
import { ruleRoutes } from './rules';
import { statsRoutes } from './stats';
import { streamRoutes } from './stream';
import { transformRoutes } from './transform';
import { workspaceRoutes } from './workspaces';

const described: readonly Route[] = [
  ...eventRoutes, ...bulkRoutes, ...objectRoutes, ...deliveryRoutes, ...endpointRoutes, ...ruleRoutes, ...eventTypeRoutes, ...transformRoutes, ...recoveryRoutes, ...flowRoutes, ...fileRoutes, ...channelRoutes, ...inboundRoutes,
  ...jobRoutes, ...statsRoutes, ...streamRoutes, ...apiKeyRoutes, ...workspaceRoutes, ...healthRoutes,
];

/** Every route of the API, the busiest first: the router looks through them in order. */
export const routes: readonly Route[] = [...described, openapiRoute(described)];
