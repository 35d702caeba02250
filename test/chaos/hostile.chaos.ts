import { postToAll } from '../support/hostile-mix';

const MIB = 1024 * 1024;
/** What the heap may differ by between the second thousand and the last: what was compiled meanwhile, and the idle connections. */
const GROWTH_MIB = 3;

test('10,000 tries at hostile receivers of every kind keep no memory, no socket and no handle', async () => {
  const { wrong, heapMarks, socketsLeft, resourcesLeft } = await postToAll(10_000, 1_000, 25);
  const marks = heapMarks.map((bytes) => bytes / MIB);
  process.stderr.write(`heap after each thousand tries, in MiB: ${marks.map((mark) => mark.toFixed(1)).join(' ')}; left: ${socketsLeft} sockets\n`);
  expect(wrong).toEqual([]);
  expect({ socketsLeft, resourcesLeft }).toEqual({ socketsLeft: 0, resourcesLeft: [] });
  // The first thousand meets each behaviour for the first time.
  const [, first = 0, ...rest] = marks;
  expect(marks).toHaveLength(10);
  expect(Math.max(...rest.slice(-3)) - first).toBeLessThan(GROWTH_MIB);
});
