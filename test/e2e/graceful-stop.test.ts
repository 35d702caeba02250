import { type Part, untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const POLICY = { timeout: '10s', retry: { delays: Array(50).fill('500ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 40, ratePerSecond: 5_000 };
const HANGS_MS = 7_000;
/** What was taken before the signal may wait so long for its place. */
const LAST_BEGIN_MS = 1_300;

const { service, receiver } = useService({ workers: 1, env: { LOG_LEVEL: 'info' } });

/** When a worker began the attempts that it has told of, as Unix ms, by their endpoint. */
const begunBy = (worker: Part, endpointId: string): number[] => worker.output().split('\n').flatMap((line) => {
  if (!line.includes('"msg":"attempt"')) return [];
  const told = JSON.parse(line) as { endpointId: string; time: string; durationMs: number };
  return told.endpointId === endpointId ? [Date.parse(told.time) - told.durationMs] : [];
});

test('a worker that is told to stop sees through what is in flight, and begins no retry and nothing of a lane beside it', async () => {
  receiver.willAnswer('/hang', [], { status: 200, afterMs: HANGS_MS });
  receiver.willAnswer('/due', Array(100).fill(500));
  receiver.willAnswer('/lane', [], { status: 200, afterMs: 50 });
  const hang = await service.endpoint(`${receiver.url}/hang`, { events: ['hang'], policy: POLICY });
  const due = await service.endpoint(`${receiver.url}/due`, { events: ['due'], policy: POLICY });
  const lane = await service.endpoint(`${receiver.url}/lane`, { events: ['lane'], policy: { ...POLICY, ordering: 'fifo' } });
  const eventIds = [...await service.publish(6, 'due'), ...await service.publish(200, 'lane')];
  // While it is alone, it has them all.
  await until(() => receiver.received('/due').length > 12 && receiver.received('/lane').length > 5, { what: 'retries and the lane to flow' });
  const [old] = service.workers();
  eventIds.push(...await service.publish(1, 'hang'));
  await until(() => receiver.received('/hang').length === 1, { what: 'the request that hangs' });
  await service.startWorker();

  const signalledAt = Date.now();
  expect(await old!.kill('SIGTERM')).toBe(0);
  expect(Date.now() - signalledAt).toBeLessThan(15_000);
  expect(begunBy(old!, hang.id)).toHaveLength(1);
  for (const { id } of [due, lane]) {
    const begun = begunBy(old!, id);
    expect(begun.length).toBeGreaterThan(5);
    expect(begun.filter((at) => at > signalledAt + LAST_BEGIN_MS).map((at) => at - signalledAt)).toEqual([]);
  }

  await untilSettled(service, eventIds, 90_000);
  expect(receiver.received('/hang')).toHaveLength(1);
  const outcomes = await service.db.query<{ outcome: string }>({ text: `select distinct outcome from attempts where event_id = any($1) order by 1`, values: [eventIds] });
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['http_error', 'ok']);
  expect(receiver.received('/lane').map(({ headers }) => headers['webhook-id'])).toEqual(eventIds.slice(6, 206));
}, 150_000);
