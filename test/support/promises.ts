import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One promise, and the tests that it rests on. */
export interface PromiseRow {
  /** I1 to I11 are invariants, F1 to F32 faults of our own parts, E1 to E21 what receivers do, S… the rest of what is promised of security. */
  readonly id: string;
  /** `P`: `npm test` shows it. `N`: `npm run test:chaos` at the latest. `W`: that with `--long`. */
  readonly tier: 'P' | 'N' | 'W';
  readonly promise: string;
  /** `file: title`, the title as it stands in the file; where that is a pattern, `» beginning` names some of what it becomes. */
  readonly tests: readonly string[];
}

/** All promises, in their order in `test/promises.json`. */
export const rows = (): PromiseRow[] => {
  const { promises } = JSON.parse(readFileSync(join(__dirname, '..', 'promises.json'), 'utf8')) as { promises: [string, PromiseRow['tier'], string, string[]][] };
  return promises.map(([id, tier, promise, tests]) => ({ id, tier, promise, tests }));
};

/** The tests of a row, by file and title. */
export const testsOf = ({ tests }: PromiseRow): { readonly file: string; readonly title: string }[] => tests.map((text) => {
  const end = text.indexOf(': ');
  return { file: text.slice(0, end), title: text.slice(end + 2).replace(/ » .*/, '') };
});
