import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A run in which all is right: two events, each owed to one endpoint, or to none. */
const RIGHT = {
  results: [{ status: 202 }, { status: 202 }, { status: 200 }],
  published: [{ id: 'evt_0' }, { id: 'evt_1' }, { id: 'evt_2' }] as ({ id: string } | null)[],
  paths: [['/a'], ['/a', '/b'], []],
  arrivals: [
    { path: '/a', id: 'evt_0', n: 0, isSigned: true }, { path: '/a', id: 'evt_1', n: 1, isSigned: true }, { path: '/b', id: 'evt_1', n: 1, isSigned: true },
    { path: '/~fail/c', id: 'evt_2', n: 2, isSigned: true }, { path: '/~fail/c', id: 'evt_2', n: 2, isSigned: true },
  ],
  garbled: 0,
  mayComeTwice: [] as string[],
};

const [first, second] = RIGHT.arrivals as [(typeof RIGHT.arrivals)[number], (typeof RIGHT.arrivals)[number]];

/** What is changed, and the faults that the bench must find. */
const CASES: readonly (readonly [string, Partial<typeof RIGHT>, readonly string[]])[] = [
  ['nothing where every event arrived once at each endpoint', {}, []],
  ['nothing where an event came twice whose attempt was under way at a kill', { arrivals: [...RIGHT.arrivals, first], mayComeTwice: ['evt_0'] }, []],
  ['a missing delivery', { arrivals: RIGHT.arrivals.slice(1) }, ['1 deliveries are missing']],
  ['a delivery that came twice', { arrivals: [...RIGHT.arrivals, first] }, ['1 deliveries came twice']],
  ['one that came twice where another one might', { arrivals: [...RIGHT.arrivals, first], mayComeTwice: ['evt_1'] }, ['1 deliveries came twice']],
  ['a wrong signature', { arrivals: [{ ...first, isSigned: false }, ...RIGHT.arrivals.slice(1)] }, ['1 deliveries have a wrong signature']],
  ['a wrong signature where nobody waits for it', { arrivals: [...RIGHT.arrivals, { path: '/~fail/c', id: 'evt_2', n: 2, isSigned: false }] }, ['1 deliveries have a wrong signature']],
  ['the body of another event', { arrivals: [first, { ...second, n: 0 }, ...RIGHT.arrivals.slice(2)] }, ['1 deliveries carry the body of another event']],
  ['an event that nobody published', { arrivals: [...RIGHT.arrivals, { ...first, id: 'evt_9' }] }, ['1 deliveries are of no event that was published']],
  ['a wrong endpoint', { arrivals: [...RIGHT.arrivals, { ...first, path: '/b' }] }, ['1 deliveries came to the wrong endpoint']],
  ['a refused request', { results: [{ status: 202 }, { status: 202 }, { status: 503 }] }, ['1 requests were not answered 202 (such as: 503 undefined)']],
  ['an event that was not accepted', { published: [{ id: 'evt_0' }, { id: 'evt_1' }, null] }, ['1 events were not accepted', '2 deliveries are of no event that was published']],
  ['bytes that are no request', { garbled: 1 }, ['1 connections brought something that is no request with a length']],
];

let found: readonly (readonly string[])[];

/** The bench is plain JavaScript modules, which jest does not load: they judge in a process of their own. */
beforeAll(() => {
  const script = `
    const { faultsOf } = await import(process.argv[1]);
    process.stdout.write(JSON.stringify(JSON.parse(process.argv[2]).map(({ results, published, paths, arrivals, garbled, mayComeTwice }) => faultsOf({
      sendings: [{ results, published: published.map((one) => one ?? undefined), owed: (n) => paths[n] }], arrivals, garbled,
      isAside: (path) => path.startsWith('/~'), mayComeTwice: new Set(mayComeTwice),
    }))));`;
  const given = CASES.map(([, change]) => ({ ...RIGHT, ...change }));
  const url = pathToFileURL(join(__dirname, 'check.mjs')).href;
  found = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script, url, JSON.stringify(given)], { encoding: 'utf8' })) as string[][];
});

test.each(CASES.map(([what, , faults], n) => ({ what, faults, n })))('the bench finds $what', ({ faults, n }) => {
  expect(found[n]).toEqual(faults);
});
