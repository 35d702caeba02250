import { firstWorkspace, storeEvents } from '../support/crowd';
import { useService } from '../support/stage';
import { until } from '../support/wait';

// One for each test: what is left of a crowd would go before the events of the next.
const { service, receiver } = useService({ env: { LOG_LEVEL: 'error' } }, { each: true });

test('a lone event of one workspace arrives while nearly all of another\'s 20,000 still wait', async () => {
  const crowd = await firstWorkspace(service);
  await service.endpoint(`${receiver.url}/crowd`, { events: ['crowd'], policy: { maxInFlight: 50, ratePerSecond: 5_000 } });
  const workspace = await service.ok('POST', '/v1/workspaces', { name: 'lone' });
  const headers = { 'posthorn-workspace': workspace.id };
  await service.endpoint(`${receiver.url}/lone`, { events: ['lone'] }, headers);
  await storeEvents(service, crowd, 20_000, 'crowd');
  await service.publish(1, 'lone', headers);
  await until(() => receiver.received('/lone').length === 1, { what: 'the lone event', deadlineMs: 20_000 });
  const [waiting] = await service.db.query<{ count: number }>({ text: `select count(*) from outbox where kind = 'event' and workspace_id = $1 and claimed_by is null`, values: [crowd] });
  expect(waiting?.count).toBeGreaterThan(10_000);
}, 120_000);

test('a flood of retries that are due keeps no first attempt waiting for ever, at the same endpoint or another, and the other way round', async () => {
  // Every second attempt fails, which opens no breaker: what is new meets a flood of what is due.
  const [bad, good] = [{ status: 500, afterMs: 20 }, { status: 200, afterMs: 20 }];
  receiver.willAnswer('/flood', Array.from({ length: 600 }, (_, n) => (n % 2 === 0 ? bad : good)), good);
  const policy = { retry: { delays: Array(20).fill('100ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 5, ratePerSecond: 500 };
  const flood = await service.endpoint(`${receiver.url}/flood`, { events: ['flood', 'new'], policy });
  await service.endpoint(`${receiver.url}/beside`, { events: ['beside'] });
  const old = await service.publish(400, 'flood');
  await until(() => receiver.received('/flood').length > 100, { what: 'the flood', deadlineMs: 30_000 });
  const beside = await service.publish(20, 'beside');
  await until(() => receiver.received('/beside').length === beside.length, { what: 'the other endpoint', deadlineMs: 30_000 });
  const fresh = await service.publish(20, 'new');
  const all = [...old, ...fresh];
  await until(async () => {
    const [row] = await service.db.query<{ count: number }>({
      text: `select count(*) from deliveries where endpoint_id = $1 and status = 'DELIVERED'`, values: [flood.id],
    });
    return row?.count === all.length;
  }, { what: 'all of both', deadlineMs: 120_000 });
}, 250_000);
