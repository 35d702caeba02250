/**
 * What waits for an endpoint is of one of three kinds, each with an index of its own (migration 0010): PENDING rows have no
 * time, RETRYING ones know when they are due, HELD ones until when they are held. Each condition is spelled as its index is.
 */

/** Condition on `deliveries`: waits in the lane for its first attempt. */
export const IS_PENDING = 'waiting and next_attempt_at is null and hold_until is null';
/** Condition on `deliveries`: waits for the time of its next attempt, in its own workflow or in the lane. */
export const IS_RETRYING = 'waiting and next_attempt_at is not null';
/** Condition on `deliveries`: is held. */
export const IS_HELD = 'waiting and hold_until is not null';

/** 1 where a row of `deliveries` is being drained, else 0; spelled as the index of what is PENDING is (migration 0013). */
export const DRAINS = `(case when reason = 'draining' then 1 else 0 end)`;

/**
 * Condition on `deliveries` for what an endpoint ($1) is still owed: what waits, and the first attempts that are under
 * way, of which none is older than a few minutes. A first attempt whose process is gone is taken over long before.
 */
export const LIVE_OF_ENDPOINT = `endpoint_id = $1
  and ((${IS_PENDING}) or (${IS_RETRYING}) or (${IS_HELD})
       or (way = 'fast' and status = 'PENDING' and id >= id_floor('dlv', now() - interval '15 minutes')))`;

/**
 * The endpoints that have rows of a kind, as the query `name`: hops from one to the next through the kind's index, so it
 * takes as many steps as there are endpoints, however many rows each has.
 */
export const endpointsWith = (name: string, condition: string): string => `
  ${name} as (
    (select endpoint_id from deliveries where ${condition} order by endpoint_id limit 1)
    union all
    select (select d.endpoint_id from deliveries d where ${condition} and d.endpoint_id > ${name}.endpoint_id order by d.endpoint_id limit 1)
    from ${name} where ${name}.endpoint_id is not null
  )`;

/** SQL: an attempt of delivery `row` (an alias) is under way, by whoever: one whose lease is over belongs to a lost worker. */
export const isUnderWay = (row: string): string =>
  `exists (select 1 from attempts a where a.event_id = ${row}.event_id and a.delivery_id = ${row}.id and a.outcome is null and a.lease_until > now())`;
