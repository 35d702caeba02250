import { hash } from 'node:crypto';
import { isOutOfRoom, judge, type Reply, type Verdict } from '../domain/attempt';
import { nextStep, type NextStep } from '../domain/delivery';
import { DIALECTS } from '../domain/dialect';
import { attemptFacts, NOTHING_SENT } from '../domain/envelope-facts';
import type { Event } from '../domain/event';
import type { TransformFault } from '../domain/transform';
import type { Deps } from '../deps';
import type { RoutedEndpoint } from '../store/routing';
import type { Recorded } from '../store/record';
import { readSendHistory } from '../store/send-history';
import { describeFault } from '../transform/transformer';
import { createFileLinker } from '../wire/file-link';
import { createRedactor, REDACTED } from '../wire/redact';
import { failpoint } from '../failpoint';
import { makeRequest } from './attempt-request';
import { countAttempt } from './attempt-watch';
import type { Finished, Recorder } from './recorder';
import { endAttempt, traceAttempt } from './trace';
import type { Witness } from './witness';

/** An attempt whose intent stands in the database and whose bytes may leave now. */
export interface BegunAttempt {
  readonly event: Event;
  readonly target: RoutedEndpoint;
  readonly deliveryId: string;
  readonly number: number;
  /** Places of the schedule that are used up. */
  readonly failures: number;
  /** Of an event that was just planned: nothing of it was sent to the endpoint before. */
  readonly isFirst?: boolean;
  /** Made by the delivery's own `deliver` workflow. */
  readonly byRetry: boolean;
  /** A probe of a held delivery: uses up no retry, and leaves it HELD unless it succeeds. */
  readonly isProbe: boolean;
  /** The delivery sends an event again that an earlier one was over with. */
  readonly isResend: boolean;
  /** Gives the place in flight back as soon as the answer is there, not when it is recorded; absent: it has none. */
  readonly release?: () => void;
}

/** What came of an attempt, once it is recorded. */
export interface AttemptReport {
  readonly eventId: string;
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly number: number;
  readonly verdict: Verdict;
  readonly statusCode: number | null;
  readonly durationMs: number;
  /** Until the next attempt, in ms; null where none is planned. */
  readonly afterMs: number | null;
  /** Null where it was recorded by another, or the delivery had ended meanwhile. */
  readonly recorded: Recorded | null;
}

/** Sends one attempt and records it. Rejects only where recording failed: that is our fault, not the receiver's. */
export type Send = (attempt: BegunAttempt) => Promise<AttemptReport>;

/** A sender over the guarded client. */
export function createSender(deps: Deps, recorder: Recorder, witness: Witness, onSent: (endpointId: string, durationMs: number) => void): Send {
  const fileLink = createFileLinker(deps);
  const metrics = deps.metrics.worker;
  let underWay = 0;
  metrics.attemptsUnderWay.ask = () => underWay;
  return async (attempt) => {
    const { event, target } = attempt;
    const looksBack = DIALECTS[target.dialect].tellsHistory && !attempt.isFirst;
    const history = looksBack ? await readSendHistory(deps.db, event.id, target.id, attempt.deliveryId) : NOTHING_SENT;
    const startedAt = deps.now();
    const beganAtMs = performance.now();
    const facts = { ...attemptFacts(history, attempt.number, startedAt), verifyToken: target.verifyToken, fileLink };
    const { request, fault } = await makeRequest(deps, attempt, facts, startedAt);
    const span = traceAttempt(deps.tracing, attempt, startedAt);
    if (span && request) request.headers['traceparent'] = span.traceparent;
    failpoint('before-send');
    const sentAtMs = performance.now();
    underWay += 1;
    const reply = fault ? notSent(fault, sentAtMs - beganAtMs) : await deps.poster.post({
      endpointId: target.id, url: target.url, ...request,
      timeoutMs: target.policy.timeoutMs, connectTimeoutMs: target.policy.connectTimeoutMs, auth: target.auth, tls: target.tls,
    }).finally(() => attempt.release?.());
    failpoint('after-response');
    const answeredAtMs = performance.now();
    if (request) onSent(target.id, reply.durationMs);
    const verdict = judge(reply, target.policy.success, deps.now());
    endAttempt(span, verdict.outcome, reply.statusCode);
    const isRenewed = reply.isTokenStale === true && attempt.number - 1 === attempt.failures && verdict.outcome !== 'ok' && !verdict.gone;
    const isOurFault = fault?.isOurs === true || isOutOfRoom(reply);
    const step = isRenewed ? AT_ONCE : isOurFault ? soon(attempt) : nextStep(target.policy, attempt.failures, verdict, Math.random());
    const afterMs = !attempt.isProbe && step.status === 'RETRYING' ? step.afterMs : null;
    const finished: Finished = {
      workspaceId: event.workspaceId,
      eventId: event.id,
      deliveryId: attempt.deliveryId,
      endpointId: target.id,
      number: attempt.number,
      startedAt,
      durationMs: reply.durationMs,
      outcome: verdict.outcome,
      statusCode: reply.statusCode,
      error: reply.error,
      request: request && { url: target.url, headers: shownHeaders(request.headers, target), bodySha256: hash('sha256', request.body, 'hex') },
      response: shownResponse(reply, target),
      next: attempt.isProbe && verdict.outcome !== 'ok' ? 'HELD' : step.status,
      afterMs,
      nextWay: target.policy.fifo ? 'lane' : 'retry',
      byRetry: attempt.byRetry,
      counts: !isRenewed && !isOurFault && (!attempt.isProbe || verdict.outcome === 'ok'),
      holdForMs: target.policy.holdForMs,
      discard: target.policy.discardWhileDeactivated,
      eventType: event.type,
      isResend: attempt.isResend,
      gone: verdict.gone && target.policy.deactivate.onGone,
      deactivate: target.policy.deactivate,
    };
    const recorded = await recorder.record(finished).finally(() => (underWay -= 1));
    failpoint('after-record');
    witness.recorded(event, finished, recorded);
    countAttempt(metrics, {
      event, dialect: target.dialect, outcome: verdict.outcome, isFirst: attempt.number === 1 && !attempt.isResend, isResend: attempt.isResend,
      startedAt, beganAtMs, sentAtMs, answeredAtMs, recordedAtMs: performance.now(), recorded,
    });
    // One line holds all that is asked for later: ids, and no address, header or body.
    if (deps.log.isLevelEnabled('info')) {
      deps.log.info({
        workspaceId: event.workspaceId, eventId: event.id, eventType: event.type, deliveryId: attempt.deliveryId, endpointId: target.id,
        number: attempt.number, outcome: verdict.outcome, statusCode: reply.statusCode, fault: request && reply.error,
        durationMs: Math.round(reply.durationMs), status: recorded?.status ?? null, afterMs, ...(span && { traceId: span.traceId }),
      }, 'attempt');
    }
    return {
      eventId: event.id, deliveryId: attempt.deliveryId, endpointId: target.id, number: attempt.number, verdict,
      statusCode: reply.statusCode, durationMs: Math.round(reply.durationMs), afterMs, recorded,
    };
  };
}

/** What stands in the place of an answer where no request was made. */
const notSent = (fault: TransformFault, durationMs: number): Reply =>
  ({ outcome: 'transform_error', statusCode: null, headers: {}, body: new Uint8Array(), truncated: false, error: describeFault(fault), durationMs });

/**
 * What follows an attempt whose access token was refused, once a delivery: the token may have been revoked, which says nothing of
 * the endpoint. The next attempt fetches another. It is an attempt of its own, so that each request has its row before it leaves.
 */
const AT_ONCE: NextStep = { status: 'RETRYING', afterMs: 50 };

/** The first wait where an expression could not be evaluated, or no connection opened, for a reason of ours, and the longest, in ms. */
const SOON_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** What follows an attempt that had no body or no connection by our own fault: it is made again, as often as it takes, after twice the wait each time. */
function soon({ number, failures }: BegunAttempt): NextStep {
  const waitMs = Math.min(SOON_MS * 2 ** (number - 1 - failures), LONGEST_WAIT_MS);
  return { status: 'RETRYING', afterMs: Math.round(waitMs * (0.75 + Math.random() / 2)) };
}

/** The request's headers as they are kept: the endpoint's own, and what shows who sends it, without their values. */
function shownHeaders(headers: Readonly<Record<string, string>>, target: RoutedEndpoint): string {
  const own = new Set(Object.keys(target.headers).map((name) => name.toLowerCase()));
  if (own.size === 0 && !target.auth) return JSON.stringify(headers);
  if (target.auth) own.add('authorization');
  return JSON.stringify(Object.fromEntries(
    Object.entries(target.auth ? { ...headers, authorization: '' } : headers).map(([name, value]) => [name, own.has(name.toLowerCase()) ? REDACTED : value]),
  ));
}

/** The answer as it is kept: secret values that the receiver sent back are taken out; PostgreSQL's text holds no NUL. */
function shownResponse(reply: Reply, target: RoutedEndpoint): { headers: string; body: string; truncated: boolean } {
  const redact = createRedactor(target, reply.token);
  const clean = (text: string, isCut?: boolean): string => redact(text, isCut).replaceAll('\0', '\uFFFD');
  return {
    headers: clean(JSON.stringify(reply.headers)),
    body: reply.body.length === 0 ? '' : clean(Buffer.from(reply.body).toString('utf8'), reply.truncated),
    truncated: reply.truncated,
  };
}
