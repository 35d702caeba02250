import { assert, array, constantFrom, integer, nat, property, record } from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { check, type DeliveryLog, type Logs, type Violation } from '../support/checks';
import type { Received } from '../support/receiver';

const secretOf = (n: number): string => `whsec_${Buffer.alloc(32, n).toString('base64')}`;

function request(id: string, endpoint: number, body: string, secret = secretOf(endpoint)): Received {
  const now = new Date();
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)), 'webhook-signature': new Webhook(secret).sign(id, now, body) };
  return { path: `/${endpoint}`, body, headers, at: performance.now() };
}

/** How one delivery went: failures that were answered, crashes that it lived through with and without a request, and its end. */
const story = record({ failures: nat(2), crashes: nat(2), lost: nat(1), end: constantFrom('DELIVERED', 'EXHAUSTED', 'CANCELLED', 'HELD'), resends: nat(1) });
type Story = typeof story extends { generate(...given: never[]): { value: infer T } } ? T : never;

/** The logs of a run in which all went well: each event is owed to each of the endpoints, which alternate between two workspaces. */
function logsOf(stories: readonly Story[], endpoints: number): Logs {
  const received: Received[] = [];
  const deliveries: DeliveryLog[] = [];
  const acknowledged: Logs['acknowledged'][number][] = [];
  stories.forEach(({ failures, crashes, lost, end, resends }, index) => {
    const eventId = `evt_${index}`;
    const mine = [index % endpoints];
    acknowledged.push({ eventId, workspaceId: `wsp_${index % endpoints}`, endpointIds: mine.map((n) => `ep_${n}`) });
    const send = (): void => mine.forEach((n) => received.push(request(eventId, n, `{"n":${index}}`)));
    const outcomes = [
      ...Array<string>(failures).fill('http_error'), ...Array<string>(crashes + lost).fill('unknown'), ...(end === 'DELIVERED' ? ['ok'] : end === 'EXHAUSTED' ? ['timeout'] : []),
    ];
    for (let sent = 0; sent < outcomes.length - lost; sent += 1) send();
    const log = {
      id: `dlv_${index}`, eventId, workspaceId: `wsp_${index % endpoints}`, endpointId: `ep_${index % endpoints}`, status: end,
      reason: end === 'HELD' ? 'endpoint_deactivated' : null, resendOf: null, attempts: outcomes.map((outcome, at) => ({ number: at + 1, outcome })),
    };
    deliveries.push(log);
    for (let again = 0; again < resends; again += 1) {
      send();
      deliveries.push({ ...log, id: `dlv_${index}_${again}`, status: 'DELIVERED', reason: null, resendOf: log.id, attempts: [{ number: 1, outcome: 'ok' }] });
    }
  });
  return {
    acknowledged, received, deliveries, earlier: deliveries, crashes: 2,
    endpoints: Array.from({ length: endpoints }, (_, n) => ({ id: `ep_${n}`, workspaceId: `wsp_${n}`, path: `/${n}`, secret: secretOf(n) })),
    looks: [0, 50_000, 100_000].map((atMs) => ({ atMs, isUp: true, ownerless: [{ what: `attempt at ${atMs}`, timeoutMs: 0 }] })),
    replays: deliveries.map(({ id }) => ({ workflowId: `delivery/${id}`, fault: null })),
  };
}

const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;
const replace = <T>(list: readonly T[], old: T, ...by: T[]): T[] => list.flatMap((one) => (one === old ? by : [one]));
const first = ({ deliveries }: Logs, index: number): DeliveryLog => at(deliveries.filter(({ resendOf }) => resendOf === null), index);
const change = (logs: Logs, old: DeliveryLog, by: Partial<DeliveryLog>): Logs => ({ ...logs, deliveries: replace(logs.deliveries, old, { ...old, ...by }) });

/** What can go wrong, somewhere in the logs, and which promise that breaks; null where these logs have no place for it. */
const MUTATIONS: readonly (readonly [Violation['invariant'], string, (logs: Logs, index: number) => Logs | null])[] = [
  ['I1', 'a delivery is lost', (logs, index) => ({ ...logs, deliveries: replace(logs.deliveries, first(logs, index)) })],
  ['I2', 'a delivery is made twice', (logs, index) => ({ ...logs, deliveries: [...logs.deliveries, { ...first(logs, index), id: 'dlv_x' }] })],
  ['I3', 'a delivery is stuck', (logs, index) => change(logs, at(logs.deliveries, index), { status: 'RETRYING' })],
  ['I3', 'a delivery is held for no reason', (logs, index) => change(logs, at(logs.deliveries, index), { status: 'HELD', reason: null })],
  ['I4', 'a delivery is over without a success', (logs, index) => {
    const delivery = at(logs.deliveries.filter(({ status }) => status !== 'DELIVERED'), index);
    return delivery ? change(logs, delivery, { status: 'DELIVERED' }) : null;
  }],
  ['I5', 'a receiver is told again and again', (logs, index) => {
    const one = at(logs.received, index);
    return one ? { ...logs, received: [...logs.received, one, one, one] } : null;
  }],
  ['I6', 'a body is changed on its way', (logs, index) => {
    const one = at(logs.received, index);
    return one ? { ...logs, received: replace(logs.received, one, { ...one, body: `${one.body} ` }) } : null;
  }],
  ['I7', 'an attempt is not recorded', (logs, index) => {
    const delivery = at(logs.deliveries.filter(({ attempts }) => attempts.some(({ outcome }) => outcome !== 'unknown')), index);
    return delivery ? change(logs, delivery, { attempts: delivery.attempts.map((attempt) => ({ ...attempt, outcome: null })) }) : null;
  }],
  ['I8', 'a row is forgotten', (logs, index) => ({ ...logs, looks: (logs.looks ?? []).map((look) => ({ ...look, ownerless: [...look.ownerless, { what: `retry ${index}`, timeoutMs: index % 30_000 }] })) })],
  ['I9', 'a receiver is told of another workspace', (logs, index) => {
    const one = at(logs.received, index);
    const stranger = logs.endpoints.find(({ path }) => path !== one?.path);
    return one && stranger ? { ...logs, received: [...logs.received, { ...one, path: stranger.path }] } : null;
  }],
  ['I10', 'a history does not replay', (logs, index) => ({ ...logs, replays: replace(logs.replays ?? [], at(logs.replays ?? [], index), { workflowId: 'x', fault: 'TMPRL1100' }) })],
  ['I11', 'a late result ends a delivery another way', (logs, index) => {
    const delivery = at(logs.deliveries.filter(({ status }) => status !== 'HELD'), index);
    return delivery ? change(logs, delivery, { status: delivery.status === 'CANCELLED' ? 'EXHAUSTED' : 'CANCELLED' }) : null;
  }],
];

const runs = record({ stories: array(story, { minLength: 1, maxLength: 8 }), endpoints: integer({ min: 1, max: 3 }) });

test('whatever happened in a run in which all went well, the checker finds nothing', () => {
  assert(property(runs, ({ stories, endpoints }) => expect(check(logsOf(stories, endpoints))).toEqual([])));
});

test.each(MUTATIONS)('%s: %s, and the checker finds it', (invariant, _, mutate) => {
  let applied = 0;
  assert(property(runs, nat(1_000), ({ stories, endpoints }, index) => {
    const mutated = mutate(logsOf(stories, endpoints), index);
    if (!mutated) return;
    applied += 1;
    expect(check(mutated).map((violation) => violation.invariant)).toContain(invariant);
  }));
  expect(applied).toBeGreaterThan(10);
});
