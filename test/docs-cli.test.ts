import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsReference, exitCodesReference } from './support/cli-reference';

const page = readFileSync(join(__dirname, '..', 'docs', 'cli.md'), 'utf8');
const part = (name: string): string | undefined => new RegExp(`<!-- ${name} -->\\n([^]*?)\\n<!-- /${name} -->`).exec(page)?.[1];

// On a mismatch the received text is to be put between the markers.
test('docs/cli.md shows every command with its options, as it is declared', () => {
  expect(commandsReference()).toBe(part('commands'));
});

test('docs/cli.md shows the exit codes, as they are declared', () => {
  expect(exitCodesReference()).toBe(part('exit codes'));
});
