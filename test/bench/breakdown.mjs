/**
 * Where the time of a delivery goes: ack, relay wait, plan, sign, POST, record, workflow start. The service's metrics do not
 * tell that yet; when they do, this reads them before and after a case, and the case's figures get a line each.
 * @returns {Promise<Record<string, number> | null>} seconds spent so far, by stage; null where the service does not tell
 */
export function readBreakdown(_stack) {
  return Promise.resolve(null);
}

/** The figures of a case: milliseconds a delivery, by stage; none where the service does not tell. */
export function breakdownFigures(before, after, deliveries) {
  if (before === null || after === null) return [];
  return Object.keys(after).map((stage) => ({
    figure: `of it ${stage}`, value: (((after[stage] ?? 0) - (before[stage] ?? 0)) * 1_000) / deliveries, unit: 'ms',
  }));
}
