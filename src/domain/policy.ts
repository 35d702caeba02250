import { parseDuration } from './duration';

/** An endpoint's policy as the API takes and answers it: durations as text such as `"5s"` (see `duration.ts`). */
export interface PolicyView {
  readonly success: '2xx' | readonly number[];
  readonly timeout: string;
  readonly connectTimeout: string;
  readonly retry: { readonly delays: readonly string[]; readonly jitter: number; readonly respectRetryAfter: boolean };
  readonly deactivate: DeactivateView | 'never';
  readonly whileDeactivated: 'hold' | 'discard';
  readonly holdFor: string;
  readonly probe: { readonly every: string; readonly max: string } | null;
  readonly maxInFlight: number;
  readonly ratePerSecond: number;
  readonly ordering: 'none' | 'fifo';
}

/** When an endpoint is deactivated; each null part never is the reason. */
export interface DeactivateView {
  readonly afterFailingFor: string | null;
  readonly afterExhausted: number | null;
  readonly afterConsecutiveFailures: number | null;
  readonly onGone: boolean;
}

/** The parts of a policy that an endpoint sets itself; what is absent comes from the dialect. */
export type PolicyOverrides = {
  readonly [K in keyof PolicyView]?: PolicyView[K] extends infer V
    ? V extends readonly unknown[] | string | number | null ? V : Partial<V> | Extract<V, string | null>
    : never;
};

/** The policy as the code uses it: milliseconds and numbers. */
export interface Policy {
  readonly success: '2xx' | readonly number[];
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly delaysMs: readonly number[];
  /** Share by which a delay is spread both ways, 0 to 0.5. */
  readonly jitter: number;
  readonly respectRetryAfter: boolean;
  /** At least 60 s after an overloaded answer: only where neither dialect nor endpoint sets `delays`. */
  readonly overloadFloorMs: number;
  readonly deactivate: {
    readonly afterFailingForMs: number | null;
    readonly afterExhausted: number | null;
    readonly afterConsecutiveFailures: number | null;
    readonly onGone: boolean;
  };
  readonly discardWhileDeactivated: boolean;
  readonly holdForMs: number;
  readonly probe: { readonly everyMs: number; readonly maxMs: number } | null;
  readonly maxInFlight: number;
  readonly ratePerSecond: number;
  readonly fifo: boolean;
}

/** The defaults of `standard`; the retry schedule is the example of the Standard Webhooks specification (10 attempts, 75.6 h). */
export const DEFAULT_POLICY: PolicyView = {
  success: '2xx',
  timeout: '15s',
  connectTimeout: '5s',
  retry: { delays: ['5s', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h'], jitter: 0.2, respectRetryAfter: true },
  deactivate: { afterFailingFor: '5d', afterExhausted: null, afterConsecutiveFailures: null, onGone: true },
  whileDeactivated: 'hold',
  holdFor: '14d',
  probe: { every: '10m', max: '6h' },
  maxInFlight: 5,
  ratePerSecond: 50,
  ordering: 'none',
};

const OVERLOAD_FLOOR_MS = 60_000;

/**
 * A part given is merged into the base's key by key, a list whole; null and `"never"` replace the part. A part that is
 * switched off in the base and given anew starts from the defaults.
 */
export const mergePolicy = (base: PolicyView, overrides: PolicyOverrides): PolicyView =>
  ({ ...base, ...mergedParts(base, overrides, DEFAULT_POLICY) }) as PolicyView;

/** The overrides of an endpoint after a change of some of them, by the same rule. */
export const mergeOverrides = (before: PolicyOverrides, change: PolicyOverrides): PolicyOverrides =>
  ({ ...before, ...mergedParts(before, change, {}) }) as PolicyOverrides;

type Parts = Readonly<Record<string, unknown>>;

function mergedParts(before: object, change: object, whenOff: object): Parts {
  const merged = Object.entries(change).map(([key, value]: [string, unknown]) => {
    const part = (before as Parts)[key];
    const base = isPart(part) ? part : (whenOff as Parts)[key];
    return [key, isPart(value) && isPart(base) ? { ...base, ...value } : value];
  });
  return Object.fromEntries(merged) as Parts;
}

const isPart = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The policy in numbers. `delaysAreDefault`: neither the dialect nor the endpoint sets `retry.delays`.
 * Throws where a duration's text is none: views are checked when they are saved.
 */
export function compilePolicy(view: PolicyView, delaysAreDefault: boolean): Policy {
  const never = view.deactivate === 'never';
  const deactivate = view.deactivate === 'never' ? null : view.deactivate;
  return {
    success: view.success,
    timeoutMs: ms(view.timeout),
    connectTimeoutMs: Math.min(ms(view.connectTimeout), ms(view.timeout)),
    delaysMs: view.retry.delays.map(ms),
    jitter: view.retry.jitter,
    respectRetryAfter: view.retry.respectRetryAfter,
    overloadFloorMs: delaysAreDefault ? OVERLOAD_FLOOR_MS : 0,
    deactivate: {
      afterFailingForMs: deactivate?.afterFailingFor ? ms(deactivate.afterFailingFor) : null,
      afterExhausted: deactivate?.afterExhausted ?? null,
      afterConsecutiveFailures: deactivate?.afterConsecutiveFailures ?? null,
      onGone: !never && deactivate?.onGone === true,
    },
    discardWhileDeactivated: view.whileDeactivated === 'discard',
    holdForMs: ms(view.holdFor),
    probe: view.probe && { everyMs: ms(view.probe.every), maxMs: ms(view.probe.max) },
    maxInFlight: view.maxInFlight,
    ratePerSecond: view.ratePerSecond,
    fifo: view.ordering === 'fifo',
  };
}

function ms(text: string): number {
  const parsed = parseDuration(text);
  if (parsed === null) throw new RangeError(`"${text}" is no duration; one looks like "50ms", "5s", "30m", "2h" or "14d"`);
  return parsed;
}
