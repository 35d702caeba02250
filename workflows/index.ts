// Every export of this file is registered as a workflow.
export { bulkWrite } from './bulk-write';
export { deliver } from './deliver';
export { deliverEvent } from './deliver-event';
export { recover } from './recover';
export { watchEndpoint } from './watch-endpoint';
