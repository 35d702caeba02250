/** The value that this share of the values does not exceed (nearest rank); NaN of none. */
export function percentile(values, share) {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/**
 * One line of the result. `budget` is a bound that the project sets itself; without one the figure is only told.
 * @typedef {{ figure: string, value: number | null, unit: string, budget?: { atLeast: number } | { atMost: number }, isRate?: true }} Figure
 */

/** A rate a second, compared with the machine's own limit. @returns {Figure} */
export const rate = (figure, value, atLeast) => ({ figure, value, unit: '/s', isRate: true, ...(atLeast !== undefined && { budget: { atLeast } }) });

/** A time. @returns {Figure} */
export const ms = (figure, value, atMost) => ({ figure, value, unit: 'ms', ...(atMost !== undefined && { budget: { atMost } }) });

/** CPU time. @returns {Figure} */
export const seconds = (figure, value, atMost) => ({ figure, value, unit: 's', ...(atMost !== undefined && { budget: { atMost } }) });

/** How often one value is in another: against a baseline of the same run. @returns {Figure} */
export const times = (figure, value, budget) => ({ figure, value, unit: 'x', ...(budget !== undefined && { budget }) });

/** A number of things. @returns {Figure} */
export const number = (figure, value, atMost) => ({ figure, value, unit: '', ...(atMost !== undefined && { budget: { atMost } }) });

/** Whether a figure keeps its budget; null where it has none or was not measured. @param {Figure} figure */
export function verdict({ value, budget }) {
  if (budget === undefined || value === null || Number.isNaN(value)) return null;
  return 'atLeast' in budget ? value >= budget.atLeast : value <= budget.atMost;
}
