/** The table on the terminal. */
import { verdict } from './figures.mjs';

const COLUMNS = ['case', 'figure', 'measured', 'of limit', 'budget', ''];

/**
 * The figures of the cases as a table.
 * @param {{ name: string, figures: import('./figures.mjs').Figure[] }[]} cases
 * @param {number} limitPerSecond what the generator does straight at the receiver
 */
export function table(cases, limitPerSecond) {
  const rows = cases.flatMap(({ name, figures }) => figures.map((figure, n) => [
    n === 0 ? name : '', figure.figure, measured(figure), figure.isRate && figure.value !== null ? share(figure.value / limitPerSecond) : '',
    budgetText(figure), verdictText(figure),
  ]));
  const widths = COLUMNS.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells) => cells.map((cell, column) => (column === 2 || column === 3 ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join('  ').trimEnd();
  return [line(COLUMNS), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Columns of values under their titles, the last of which is text. */
export function columns(titles, rows) {
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells) => cells.map((cell, column) => (column === titles.length - 1 ? cell : cell.padStart(widths[column]))).join('  ');
  return [titles, ...rows].map(line).join('\n');
}

const measured = ({ value, unit }) => (value === null || Number.isNaN(value) ? 'not measured' : `${number(value)} ${unit}`.trimEnd());

function budgetText({ budget, unit }) {
  if (budget === undefined) return '';
  return ('atLeast' in budget ? `>= ${number(budget.atLeast)} ${unit}` : `<= ${number(budget.atMost)} ${unit}`).trimEnd();
}

const VERDICTS = new Map([[true, 'pass'], [false, 'MISS'], [null, '']]);
const verdictText = (figure) => VERDICTS.get(verdict(figure));

const share = (value) => `${(value * 100).toFixed(1)} %`;

/** Three digits that count, and all before the point. */
const number = (value) => (value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3))));

