import type { Policy } from '../domain/policy';

/** What a drain has of its endpoint, beside the first attempts and the lane that come to it. Times in ms. */
export interface DrainShare {
  /** When a live attempt came last, here or at another worker. */
  liveAt: number;
  /** When another worker told that some came to it; how many is not known. */
  elsewhereAt: number;
  /** Since when the running window counts; what it has counted, and what the window before it had. */
  since: number;
  current: number;
  before: number;
  /** Attempts of the drain that are in flight. */
  inFlight: number;
  /** Tokens of the drain's own, of which it needs one more while others come. */
  tokens: number;
  refilledAt: number;
  /** Others that were let in since one of the drain. */
  others: number;
}

/** What a drain gets while others come: so much of an endpoint's places, and of its rate at least so much; one for four of them. */
const SHARE = 0.2;
const OTHERS_FIRST = 4;
/** What is kept free for the others, as a multiple of what they took in the last second or two. */
const LIVE_ROOM = 1.25;
/** Others come where one has come within this time; they are counted in windows of it. */
const LIVE_MS = 1_000;
/** A drain's own tokens are saved up for this long at most, so that it can't make up for lost time. */
const SAVED_MS = 100;

/** The share of an endpoint to which nothing has come yet. */
export const newDrainShare = (at: number): DrainShare => ({
  liveAt: -Infinity, elsewhereAt: -Infinity, since: at, current: 0, before: 0, inFlight: 0, tokens: 1, refilledAt: at, others: 0,
});

/** A first attempt, or one of the lane, came here. */
export function countLive(share: DrainShare, at: number): void {
  if (at - share.since >= LIVE_MS) {
    share.before = at - share.since < 2 * LIVE_MS ? share.current : 0;
    share.current = 0;
    share.since = at;
  }
  share.current += 1;
  share.liveAt = at;
}

/** First attempts are made by another worker. */
export function noteElsewhere(share: DrainShare, at: number): void {
  share.liveAt = share.elsewhereAt = at;
}

/** Whether others than the drain came a moment ago. */
export const wasLive = (share: DrainShare, at: number): boolean => at - share.liveAt < LIVE_MS;

/** Whether one of the drain may go in beside others that come, `waiting` of which wait; the endpoint's places and tokens aside. */
export function isDrainsTurn(share: DrainShare, policy: Policy, waiting: number, at: number): boolean {
  if (share.inFlight >= mostInFlight(policy)) return false;
  const perSecond = rateOf(share, policy, at);
  share.tokens = Math.min(Math.max(1, (perSecond * SAVED_MS) / 1000), share.tokens + ((at - share.refilledAt) / 1000) * perSecond);
  share.refilledAt = at;
  return share.tokens >= 1 && (waiting === 0 || share.others >= OTHERS_FIRST);
}

/** Until the drain has a token of its own, or nobody else comes any more, in ms. */
export function untilDrainsTurn(share: DrainShare, policy: Policy, at: number): number {
  const untilQuiet = share.liveAt + LIVE_MS - at;
  if (share.inFlight >= mostInFlight(policy)) return untilQuiet;
  return Math.min(untilQuiet, ((1 - share.tokens) / rateOf(share, policy, at)) * 1000);
}

// One worker drains for all of them, so neither is divided by their number.
const mostInFlight = (policy: Policy): number => Math.max(1, Math.floor(policy.maxInFlight * SHARE));
const rateOf = (share: DrainShare, policy: Policy, at: number): number => policy.ratePerSecond * shareOfRate(share, policy, at);

/** Of the endpoint's rate: what the others leave, and a fifth whatever they ask for. */
function shareOfRate(share: DrainShare, policy: Policy, at: number): number {
  if (at - share.elsewhereAt < LIVE_MS) return SHARE;
  return Math.max(SHARE, 1 - (LIVE_ROOM * Math.max(share.current, share.before)) / policy.ratePerSecond);
}
