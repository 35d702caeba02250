const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SHAPE = /^(\d{1,15})(ms|s|m|h|d)$/;

/** Milliseconds of `"50ms"`, `"5s"`, `"30m"`, `"2h"`, `"14d"`; null where the text is no duration, or one beyond 2^53 ms. */
export function parseDuration(text: string): number | null {
  const match = SHAPE.exec(text);
  const ms = match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : NaN;
  return Number.isSafeInteger(ms) ? ms : null;
}

/** The shortest exact duration text of whole milliseconds: 300000 is `"5m"`, 1500 is `"1500ms"`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms > 0 && ms % UNITS[unit] === 0) return `${ms / UNITS[unit]}${unit}`;
  }
  return `${ms}ms`;
}
