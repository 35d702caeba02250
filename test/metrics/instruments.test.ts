import { createExposition } from '../../src/metrics/exposition';
import { createMeter, each } from '../../src/metrics/instruments';
import { readScrape } from '../support/prometheus';

test('a histogram counts a value in the bucket of the least bound that is not below it, and in all above', async () => {
  const meter = createMeter();
  const histogram = meter.histogram({ name: 'wait_seconds', help: 'Waits' }, [0.1, 0.5, 1], { stage: 'plan' });
  histogram.observe(0.1);
  histogram.observe(0.3, 2);
  histogram.observeMs(5_000);
  histogram.observeMs(-3);
  const scrape = readScrape(await createExposition(meter).text());
  const bucket = (le: string): number => scrape.value('wait_seconds_bucket', { stage: 'plan', le });
  expect(['0.1', '0.5', '1', '+Inf'].map(bucket)).toEqual([2, 4, 4, 5]);
  expect(scrape.value('wait_seconds_count', { stage: 'plan' })).toBe(5);
  expect(scrape.value('wait_seconds_sum')).toBeCloseTo(0.1 + 0.6 + 5);
  expect(scrape.types.get('wait_seconds')).toBe('histogram');
});

test('counters of one name are told together, also those that stand at 0, unless they are many', async () => {
  const meter = createMeter();
  const told = { name: 'things_total', help: 'Things' };
  const things = each(['a', 'b'], (kind) => meter.counter(told, { kind }));
  const many = each(['x', 'y'], (kind) => meter.counter({ ...told, name: 'many_total', omitsUnused: true }, { kind }));
  things.b.add(3);
  many.y.add();
  const scrape = readScrape(await createExposition(meter).text());
  expect(scrape.samples.filter(({ name }) => name === 'things_total').map(({ labels, value }) => [labels['kind'], value])).toEqual([['a', 0], ['b', 3]]);
  expect(scrape.samples.filter(({ name }) => name === 'many_total').map(({ labels }) => labels['kind'])).toEqual(['y']);
});

test('a gauge is asked at each look, and left out while nothing is known', async () => {
  const meter = createMeter();
  const gauge = meter.gauge({ name: 'waiting', help: 'Who waits' });
  const exposition = createExposition(meter);
  expect(() => readScrape('waiting').value('waiting')).toThrow();
  let asked = 0;
  expect(readScrape(await exposition.text()).samples.some(({ name }) => name === 'waiting')).toBe(false);
  gauge.ask = () => (asked += 1);
  expect(readScrape(await exposition.text()).value('waiting')).toBe(1);
  expect(readScrape(await exposition.text()).value('waiting')).toBe(2);
});

test('the process tells of its memory, its event loop and its collections too', async () => {
  const scrape = readScrape(await createExposition(createMeter()).text());
  expect([...scrape.types.keys()]).toEqual(expect.arrayContaining(['process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds', 'nodejs_gc_duration_seconds']));
});
