/** Attempts in flight of a worker over all endpoints. */
export interface WorkerPlaces {
  readonly first: number;
  /** Of retries and lanes. */
  readonly later: number;
}

/** The places of one kind, for which the attempts at endpoints compete. */
export interface Pool<Waiting> {
  readonly places: number;
  used: number;
  /** The endpoints at which somebody waits for one of these places, longest first. */
  readonly short: Set<Waiting>;
}

/** Enough for a thousand attempts a second at receivers that take half of one, in some 50 MB. */
export const PLACES: WorkerPlaces = { first: 600, later: 400 };

/** The places of a process that may hold so many connections to receivers. */
export function placesWithin(connections: number): WorkerPlaces {
  const all = Math.min(connections, PLACES.first + PLACES.later);
  const first = Math.ceil((all * PLACES.first) / (PLACES.first + PLACES.later));
  return { first, later: all - first };
}

/** When so much of the places is taken, an endpoint that has one gets no more: many that hang leave the rest to the others. */
const FULL_SHARE = 0.75;

/** Places of which none is taken. */
export const newPool = <Waiting>(places: number): Pool<Waiting> => ({ places, used: 0, short: new Set() });

/** Whether there is a place for an endpoint that has none yet (`isFirst`), or for one that has. */
export const hasPlace = ({ used, places }: Pool<unknown>, isFirst: boolean): boolean =>
  used < (isFirst ? places : Math.ceil(places * FULL_SHARE));
