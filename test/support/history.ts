import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';

const { History } = temporal.api.history.v1;

/** A workflow's history, as Temporal answers it. */
export type History = temporal.api.history.v1.IHistory;

const FOLDER = join(__dirname, '..', 'workflows', 'histories');

/** The names of all recorded histories. */
export const historyNames = (): string[] => readdirSync(FOLDER).filter((name) => name.endsWith('.json')).map((name) => name.replace('.json', ''));

/** A recorded history. */
export const readHistory = (name: string): History => History.fromObject(JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Record<string, unknown>);

/**
 * Records a history: `saveHistory('deliver-exhausted', await handle.fetchHistory())`, in a test that has just made one;
 * the line is taken out again. What names this machine is left out.
 */
export function saveHistory(name: string, history: History): void {
  const plain = History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String });
  const text = JSON.stringify(plain, (key, value: unknown) => {
    if (key === 'stackTrace') return '';
    return key === 'identity' || (typeof value === 'string' && /^\d+@/.test(value)) ? 'worker' : value;
  }, 1);
  writeFileSync(join(FOLDER, `${name}.json`), `${text}\n`);
}
