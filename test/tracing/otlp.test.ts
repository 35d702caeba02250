import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseTraceparent, traced, withTrace } from '../../src/trace-context';
import { openCollector } from '../support/collector';

interface Emitted {
  readonly faults: readonly string[];
  readonly own: string;
  readonly child: string;
  readonly closedInMs: number;
}

async function emit(url: string, share: number, spans: number): Promise<Emitted> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(__dirname, 'emit.cjs'), url, String(share), String(spans)]);
  return JSON.parse(stdout) as Emitted;
}

test('a collector that is away is told of once, and keeps nobody for long, however much there was to tell', async () => {
  const closed = await openCollector();
  await closed.close();
  const { faults, closedInMs } = await emit(closed.url, 1, 10_000);
  expect(faults).toEqual([expect.stringContaining('ECONNREFUSED')]);
  expect(closedInMs).toBeLessThan(15_000);
}, 60_000);

test('of more than fits in the line the rest is dropped, and what is in it arrives', async () => {
  const collector = await openCollector();
  const { faults } = await emit(collector.url, 1, 10_000);
  expect(faults).toEqual([]);
  expect(collector.spans().length).toBeGreaterThanOrEqual(4_000);
  expect(collector.spans().length).toBeLessThan(10_003);
  await collector.close();
}, 60_000);

test('a share of the traces that begin here is kept, whole or not at all; what a caller decided stays decided', async () => {
  const collector = await openCollector();
  const { own, child } = await emit(collector.url, 0, 0);
  expect(own.endsWith('-00')).toBe(true);
  expect(child.split('-')[1]).toBe(own.split('-')[1]);
  expect(collector.spans()).toMatchObject([{ name: 'asked', isError: true, attributes: { 'error.type': 'timeout' } }]);
  await collector.close();
});

test.each([
  [`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, true],
  [`01-${'a'.repeat(32)}-${'b'.repeat(16)}-01-more`, true],
  [`00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, false],
  [`00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`, false],
  [`ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, false],
  [`00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`, false],
  ['', false],
])('%s is a traceparent: %s', (text, isOne) => {
  expect(parseTraceparent(text) !== null).toBe(isOne);
});

test('what is made within a trace belongs to it, also later; outside of one, to none', async () => {
  expect(traced()).toEqual({});
  await withTrace('t', async () => {
    await Promise.resolve();
    expect(traced()).toEqual({ traceparent: 't' });
  });
  expect(traced()).toEqual({});
});
