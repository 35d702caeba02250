import type { Scrape } from './prometheus';

/** Labels that a scrape adds to each sample. */
const SCRAPED: ReadonlySet<string> = new Set(['instance', 'job']);
const SELECTOR = /\b((?:posthorn|process|nodejs)_\w+)(?:\{([^}]*)\})?/g;
const MATCHER = /^\s*(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*$/;

/** What an expression of Prometheus uses that none of these scrapes tells: names, labels, and values that a matcher asks for. */
export function missingIn(expression: string, scrapes: readonly Scrape[]): string[] {
  const samples = scrapes.flatMap((one) => one.samples);
  const missing: string[] = [];
  const labels = new Set<string>();
  const used = [...expression.matchAll(SELECTOR)];
  if (used.length === 0) missing.push('any metric');
  for (const [, name = '', matchers = ''] of used) {
    const series = samples.filter((one) => one.name === name);
    if (series.length === 0) missing.push(name);
    series.forEach((one) => Object.keys(one.labels).forEach((label) => labels.add(label)));
    for (const matcher of matchers.split(',').filter(Boolean)) {
      const [, label = matcher, how, value = ''] = MATCHER.exec(matcher) ?? [];
      const isTold = how === '=' ? series.some((one) => one.labels[label] === value) : series.some((one) => one.labels[label] !== undefined);
      if (!isTold) missing.push(`${name}{${matcher}}`);
    }
  }
  for (const [, list = ''] of expression.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)) {
    for (const label of list.split(',').map((one) => one.trim())) if (!labels.has(label) && !SCRAPED.has(label)) missing.push(`by (${label})`);
  }
  return missing;
}
