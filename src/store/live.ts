/**
 * Condition on `deliveries` for what an endpoint ($1) is still owed: what waits, by the index of that, and the first
 * attempts that are under way, of which none is older than a few minutes. A first attempt whose process is gone is taken
 * over long before.
 */
export const LIVE_OF_ENDPOINT = `endpoint_id = $1
  and (waiting or (way = 'fast' and status = 'PENDING' and id >= id_floor('dlv', now() - interval '15 minutes')))`;
