/** Whether what arrived and what was recorded is what was published. */

/**
 * Events of one sending: the answers to its requests, and each event by its number (undefined: it was not accepted).
 * `owed` answers the paths at which event number n must arrive; once each.
 * @typedef {{ results: object[], published: ({ id: string } | undefined)[], owed: (n: number) => readonly string[] }} Sending
 */

/**
 * Everything that is not as it must be, as sentences; none: every event arrived once at each endpoint, signed and unchanged.
 * @param {{ sendings: readonly Sending[], arrivals: readonly object[], garbled: number, isAside?: (path: string) => boolean, mayComeTwice?: ReadonlySet<string> }} given
 *   `isAside`: paths of endpoints that don't answer well, where nothing must arrive, and anything that is signed may, again and
 *   again. `mayComeTwice`: events that were under way in a crash
 */
export function faultsOf({ sendings, arrivals, garbled, isAside = () => false, mayComeTwice = new Set() }) {
  const faults = [];
  const note = (number, what, example = '') => {
    if (number > 0) faults.push(`${number} ${what}${example && ` (such as: ${example})`}`);
  };
  const refused = sendings.flatMap(({ results }) => results.filter(({ status }) => status !== 202 && status !== 200));
  note(refused.length, 'requests were not answered 202', refused[0]?.error ?? `${refused[0]?.status} ${refused[0]?.text?.slice(0, 200)}`);
  note(sendings.reduce((sum, { published }) => sum + published.filter((one) => one === undefined).length, 0), 'events were not accepted');
  note(garbled, 'connections brought something that is no request with a length');
  note(arrivals.filter(({ isSigned }) => !isSigned).length, 'deliveries have a wrong signature');

  const events = new Map(sendings.flatMap(({ published, owed }) => published.flatMap((one, n) => (one === undefined ? [] : [[one.id, { n, paths: owed(n) }]]))));
  note(arrivals.filter(({ id }) => !events.has(id)).length, 'deliveries are of no event that was published');
  note(arrivals.filter(({ id, n }) => events.has(id) && events.get(id).n !== n).length, 'deliveries carry the body of another event');

  const here = arrivals.filter(({ id, path }) => events.has(id) && !isAside(path));
  note(here.filter(({ id, path }) => !events.get(id).paths.includes(path)).length, 'deliveries came to the wrong endpoint');
  const seen = new Set();
  const twice = here.filter(({ id, path }) => seen.size === seen.add(`${path} ${id}`).size);
  note(twice.filter(({ id }) => !mayComeTwice.has(id)).length, 'deliveries came twice');
  note([...events].reduce((sum, [id, { paths }]) => sum + paths.filter((path) => !seen.has(`${path} ${id}`)).length, 0), 'deliveries are missing');
  return faults;
}

/**
 * What PostgreSQL says when all is over: every delivery to these endpoints is DELIVERED, after one attempt.
 * @param {{ endpoints: readonly { id: string }[], deliveries: number, mostAttempts?: number }} expected
 * @returns {Promise<string[]>} faults
 */
export async function faultsInRecords(bench, { endpoints, deliveries, mostAttempts = 1 }) {
  if (!(await bench.stack.settle())) return ['the service was not done 90 s after the last arrival'];
  const { rows } = await bench.stack.db.query(
    'select status, attempt_count, count(*)::int as number from deliveries where endpoint_id = any($1) group by 1, 2', [endpoints.map(({ id }) => id)],
  );
  const right = rows.filter((row) => row.status === 'DELIVERED' && row.attempt_count >= 1 && row.attempt_count <= mostAttempts);
  if (right.length === rows.length && right.reduce((sum, { number }) => sum + number, 0) === deliveries) return [];
  return [`recorded are ${rows.map((row) => `${row.number} ${row.status} after ${row.attempt_count} attempts`).join(', ') || 'no deliveries'}, `
    + `not ${deliveries} DELIVERED after ${mostAttempts === 1 ? '1' : `1 to ${mostAttempts}`}`];
}
