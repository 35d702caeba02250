/** What one check found. `todo` says what to do about it. */
export interface Finding {
  readonly check: string;
  /** `failed`: it will not work like this. `skipped`: it could not be looked at. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly detail: string;
  readonly todo?: string;
}

/** Makes the findings of one check. */
export const findings = (check: string) => ({
  ok: (detail: string): Finding => ({ check, status: 'ok', detail }),
  warning: (detail: string, todo: string): Finding => ({ check, status: 'warning', detail, todo }),
  failed: (detail: string, todo: string): Finding => ({ check, status: 'failed', detail, todo }),
  skipped: (detail: string): Finding => ({ check, status: 'skipped', detail }),
});

/** A clock that is this much away, in ms, is worth a word: receivers refuse a signature that is five minutes away. */
export const CLOCK_WARNING_MS = 2_000;
/** And this much is a failure. */
export const CLOCK_FAILURE_MS = 60_000;
