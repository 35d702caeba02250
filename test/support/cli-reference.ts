import { COMMANDS } from '../../src/cli/commands';
import { EXIT_CODES } from '../../src/cli/exit-codes';
import { optionRows, usageOf } from '../../src/cli/help';

/** The commands as docs/cli.md must show them. */
export const commandsReference = (): string => Object.entries(COMMANDS).map(([name, command]) => {
  const rows = optionRows(command);
  const table = rows.length === 0 ? [] : ['', '| option | is |', '|---|---|', ...rows.map(([option, describe]) => `| \`${cell(option)}\` | ${cell(describe)} |`)];
  return [`### ${name}`, '', '```', usageOf(name, command), '```', '', cell(command.summary), ...table].join('\n');
}).join('\n\n');

/** The exit codes as docs/cli.md must show them. */
export const exitCodesReference = (): string =>
  ['| code | means |', '|---|---|', ...Object.values(EXIT_CODES).map(([code, meaning]) => `| ${code} | ${meaning} |`)].join('\n');

const cell = (text: string): string => text.replaceAll('|', '\\|');
