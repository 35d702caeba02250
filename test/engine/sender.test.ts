import { randomBytes } from 'node:crypto';
import type { Reply } from '../../src/domain/attempt';
import { readConfig } from '../../src/config';
import { createDeps } from '../../src/create-deps';
import { createRecorder } from '../../src/engine/recorder';
import { createSender } from '../../src/engine/sender';
import { createLog } from '../../src/log';
import { lookAtDeliveries, readEvents } from '../../src/store/attempts';
import { savePlans } from '../../src/store/plan';
import { loadTarget } from '../../src/store/routing';
import { readHealthFacts } from '../../src/store/watch';
import type { Evaluation } from '../../src/transform/evaluator';
import { createTransformer } from '../../src/transform/transformer';
import { makeEndpoint, makeEvents, makeWorkspace, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
let deps: ReturnType<typeof createDeps>;
beforeAll(async () => {
  database = await freshDatabase();
  const config = readConfig({ DATABASE_URL: database.url, POSTHORN_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` });
  deps = createDeps(config, createLog('fatal'), null);
});
afterAll(async () => {
  await deps?.close();
  await database?.drop();
});

/** Makes the only attempt that the endpoint's schedule has; answers what came of it, and how the delivery stands then. */
async function attempt(own: typeof deps, hasTransform: boolean) {
  const { db } = own;
  const workspaceId = await makeWorkspace(db);
  const endpointId = await makeEndpoint(db, workspaceId, { policy: { retry: { delays: [] } } });
  if (hasTransform) await db.query({ text: `update endpoints set transform = '{"language":"jsonata","expression":"x","enabled":true}', has_transformed = true where id = $1`, values: [endpointId] });
  const [eventId = ''] = await makeEvents(db, workspaceId, 1);
  const key = { eventId, id: newId('delivery') };
  await savePlans(db, [{ eventId, workspaceId, deliveries: [{ ...key, workspaceId, endpointId, status: 'PENDING', reason: null, way: 'fast', holdForMs: null, attempt: { id: newId('attempt'), leaseMs: 20_000 } }] }]);

  const recorder = createRecorder(own, () => undefined);
  const send = createSender(own, recorder, { planned: () => undefined, recorded: () => undefined, expired: () => undefined }, () => undefined);
  const [[event], target] = await Promise.all([readEvents(db, [eventId]), loadTarget(db, deps.keyRing, endpointId)]);
  if (!event || !target) throw new Error('nothing to send');
  const report = await send({ event, target, deliveryId: key.id, number: 1, failures: 0, isFirst: true, byRetry: false, isProbe: false, isResend: false });
  const [look] = await lookAtDeliveries(db, [key]);
  const [wait] = await db.query<{ ms: number | null }>({
    text: `select (extract(epoch from next_attempt_at - updated_at) * 1000)::float8 as ms from deliveries where event_id = $1 and id = $2`, values: [key.eventId, key.id],
  });
  return { outcome: report.verdict.outcome, look, waitMs: wait?.ms };
}

/** Behind two expressions of others, each evaluated so. */
async function attemptWith(evaluate: () => Promise<Evaluation>) {
  const transformer = createTransformer(() => ({ evaluate, close: () => undefined }));
  for (const key of ['one', 'two']) void transformer.transform({ workspaceId: 'others', key }, 'x', '{}');
  const { outcome, ...left } = await attempt({ ...deps, transformer }, true);
  expect(outcome).toBe('transform_error');
  return left;
}

test.each(['EMFILE', 'ENOBUFS', 'token: EMFILE'])('where this machine has no room for another connection (%s), no retry is used up, and nothing is said of the endpoint', async (error) => {
  const noRoom: Reply = { outcome: 'connection_refused', statusCode: null, headers: {}, body: new Uint8Array(), truncated: false, error, durationMs: 1 };
  const { look } = await attempt({ ...deps, poster: { ...deps.poster, post: () => Promise.resolve(noRoom) } }, false);
  expect(look).toMatchObject({ status: 'RETRYING', attemptCount: 1, failures: 0 });
  expect((await readHealthFacts(deps.db, look?.endpointId ?? ''))?.consecutiveFailures ?? 0).toBe(0);
});

test('a receiver that refuses a connection has used up the attempt', async () => {
  const refused: Reply = { outcome: 'connection_refused', statusCode: null, headers: {}, body: new Uint8Array(), truncated: false, error: 'ECONNREFUSED', durationMs: 1 };
  const { look } = await attempt({ ...deps, poster: { ...deps.poster, post: () => Promise.resolve(refused) } }, false);
  expect(look).toMatchObject({ status: 'EXHAUSTED', failures: 1 });
});

test.each<[string, () => Promise<Evaluation>]>([
  ['can not be started', () => Promise.reject(new Error('The process that evaluates expressions does not start'))],
  ['has no time for it', () => new Promise(() => undefined)],
])('where what evaluates expressions %s, no retry is used up, and the next attempt comes soon', async (_, evaluate) => {
  const { look, waitMs } = await attemptWith(evaluate);
  expect(look).toMatchObject({ status: 'RETRYING', way: 'retry', attemptCount: 1, failures: 0 });
  expect(waitMs).toBeGreaterThan(0);
  expect(waitMs).toBeLessThan(2_000);
});

test('where the expression is at fault, the attempt uses up its place of the schedule', async () => {
  expect((await attemptWith(() => Promise.resolve({ killed: 'time' }))).look).toMatchObject({ status: 'EXHAUSTED', attemptCount: 1, failures: 1 });
});
