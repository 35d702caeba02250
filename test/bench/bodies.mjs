/** What an event's request body weighs, in bytes: as in the peers' figures. */
const EVENT_BYTES = 948;

/** Members of the data beside its number; those that rules ask for. */
const FACTS = { amount: 1_200, currency: 'EUR', customer: { tier: 'gold', country: 'FI' }, tags: ['new', 'web'] };

/**
 * The bodies of the requests that publish `count` events, numbered from 0: one event each, or `perBatch`. The types take turns.
 * `hasIds`: with an id of the caller's own, so that a request that was not answered can be repeated.
 * @param {{ types: readonly string[], count: number, perBatch?: number, hasIds?: boolean }} events
 * @returns {Buffer[]}
 */
export function bodiesOf({ types, count, perBatch, hasIds = false }) {
  const events = Array.from({ length: count }, (_, n) => eventText({ type: types[n % types.length], ...(hasIds && { id: `number-${n}` }) }, n));
  if (perBatch === undefined) return events.map((text) => Buffer.from(text));
  const batches = [];
  for (let from = 0; from < count; from += perBatch) batches.push(Buffer.from(`{"events":[${events.slice(from, from + perBatch).join(',')}]}`));
  return batches;
}

function eventText(head, n) {
  const bare = JSON.stringify({ ...head, data: { n, ...FACTS, text: '' } });
  return JSON.stringify({ ...head, data: { n, ...FACTS, text: 'x'.repeat(EVENT_BYTES - bare.length) } });
}
