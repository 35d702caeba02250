import { appendFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Where a run keeps what its tests tell; unset: nowhere. */
const FOLDER = process.env['POSTHORN_FIGURES'];

/** Tells a figure of the test that runs, such as how many duplicates there were, for the page that shows what the tests have shown. */
export function tell(name: string, value: number | string): void {
  const { testPath = '', currentTestName = '' } = expect.getState();
  const file = relative(join(__dirname, '..', '..'), testPath);
  if (FOLDER) appendFileSync(join(FOLDER, `${process.pid}.jsonl`), `${JSON.stringify({ file, test: currentTestName, name, value })}\n`);
}
