import { ms, rate } from '../figures.mjs';

/** The run's own measure, made before the first case. */
export const benchCase = {
  name: 'limit',
  order: 0,
  summary: 'the generator straight at the receiver: what the machine can do at most',
  run: ({ limit }) => Promise.resolve({ figures: [rate('posts straight at the receiver', limit.perSecond), ms('answer p99', limit.p99Ms)], faults: limit.faults }),
};
