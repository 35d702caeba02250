import { placesWithin } from '../src/engine/places';
import { roomForConnections } from '../src/open-files';

it('leaves connections to receivers what a process need not have itself, and says so where that is too little', () => {
  expect(roomForConnections(14, 1_024)).toBe(930);
  expect(roomForConnections(14, Infinity)).toBe(Infinity);
  expect(() => roomForConnections(14, 113)).toThrow('This process may open 113 files, and needs at least 114: raise the limit, such as by "ulimit -n 4096".');
  expect(roomForConnections(10)).toBeGreaterThan(0);
});

it('has as many attempts in flight as it may have connections, at most a thousand', () => {
  expect(placesWithin(Infinity)).toEqual({ first: 600, later: 400 });
  expect(placesWithin(30)).toEqual({ first: 18, later: 12 });
});
