import { firstWorkspace, storeEvents, untilPlanned } from '../support/crowd';
import { useService } from '../support/stage';
import { tell } from '../support/tell';
import { until } from '../support/wait';

/** Held by an endpoint that comes back. */
const BACKLOG = process.env['POSTHORN_LONG'] ? 100_000 : 5_000;
/** Slow enough that the backlog outlasts the ten events that go out beside it, one after the other. */
const RATE = process.env['POSTHORN_LONG'] ? 1_000 : 300;
const IN_FLIGHT = 50;

const { service, receiver } = useService({ env: { LOG_LEVEL: 'error' } });

test(`${BACKLOG} deliveries that a dead endpoint is owed when it comes back leave at its pace, each once, and what is new does not wait for them`, async () => {
  const workspaceId = await firstWorkspace(service);
  const path = '/back';
  const { id } = await service.endpoint(`${receiver.url}${path}`, { events: ['back', 'fresh'], policy: { ratePerSecond: RATE, maxInFlight: IN_FLIGHT } });
  await service.ok('POST', `/v1/endpoints/${id}/deactivate`, {});
  await storeEvents(service, workspaceId, BACKLOG, 'back');
  await untilPlanned(service, workspaceId, BACKLOG, 1_200_000);
  expect(await service.ok('GET', `/v1/endpoints/${id}/health`)).toMatchObject({ held: BACKLOG });
  const since = performance.now();
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  await until(() => receiver.received(path).length > 100, { what: 'the drain to flow', deadlineMs: 60_000 });

  // Live events beside it: when each of them arrives, most of the rest still waits.
  const fresh: string[] = [];
  for (let n = 0; n < 10; n += 1) {
    const [eventId] = await service.publish(1, 'fresh');
    fresh.push(eventId!);
    await until(() => receiver.received(path).some(({ headers }) => headers['webhook-id'] === eventId), { what: `fresh event ${n}`, deadlineMs: 60_000 });
  }
  expect(receiver.received(path).length).toBeLessThan(BACKLOG);
  await until(() => receiver.received(path).length >= BACKLOG + 10, { what: 'all of it', deadlineMs: 1_800_000 });
  const seconds = (performance.now() - since) / 1_000;
  const ids = receiver.received(path).map(({ headers }) => headers['webhook-id']);
  expect([ids.length, new Set(ids).size]).toEqual([BACKLOG + 10, BACKLOG + 10]);
  // The bucket lets one second's worth through at once.
  expect(BACKLOG / seconds).toBeLessThan(RATE * 1.1 + RATE / seconds);
  expect(receiver.mostOpen(path)).toBeLessThanOrEqual(IN_FLIGHT);
  const [watcher] = [await service.temporal.workflow.getHandle(`endpoint/${id}`).describe()];
  expect(watcher.historyLength).toBeLessThan(10_240);
  tell('deliveries a second', Math.round(BACKLOG / seconds));
}, 3_600_000);
