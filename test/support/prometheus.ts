/** One sample of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A scrape, read as Prometheus reads it. */
export interface Scrape {
  readonly text: string;
  /** Type by the name of the family. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
  /** The sum of the samples of this name that have all of these labels. @throws where there is none */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

/** Reads the text format, strictly. @throws for a line that is none. */
export function readScrape(text: string): Scrape {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n').filter(Boolean)) {
    const [, family, type] = /^# TYPE (\S+) (\w+)$/.exec(line) ?? [];
    if (family !== undefined && type !== undefined) {
      if (types.has(family)) throw new Error(`${family} stands twice`);
      types.set(family, type);
    } else if (!line.startsWith('# HELP ')) {
      samples.push(readSample(line));
    }
  }
  return {
    text, types, samples,
    value(name, labels = {}) {
      const found = samples.filter((one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value));
      if (found.length === 0) throw new Error(`There is no ${name} ${JSON.stringify(labels)}`);
      return found.reduce((sum, one) => sum + one.value, 0);
    },
  };
}

function readSample(line: string): Sample {
  const [, name, labelText = '', valueText = ''] = LINE.exec(line) ?? [];
  if (name === undefined) throw new Error(`No sample: ${line}`);
  const labels: Record<string, string> = {};
  let end = 0;
  for (const match of labelText.matchAll(LABEL)) {
    labels[match[1] as string] = match[2] as string;
    end = match.index + match[0].length;
  }
  const value = valueText === '+Inf' ? Infinity : Number(valueText);
  if (end !== labelText.length || (Number.isNaN(value) && valueText.toLowerCase() !== 'nan')) throw new Error(`No sample: ${line}`);
  return { name, labels, value };
}

/** The family that a sample belongs to. */
export const familyOf = ({ types }: Scrape, name: string): string => (types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''));
