import type { Command } from './command';
import type { Commands } from './commands';

/** All commands, a line each. */
export function overview(commands: Commands): string {
  return [
    'posthorn <command> [options]', '', ...listed(commands), '',
    'posthorn <command> --help says more. docs/cli.md tells of the settings POSTHORN_URL and POSTHORN_KEY, and of the exit codes.',
  ].join('\n');
}

/** The commands of a group, such as `endpoints`. */
export const groupHelp = (group: string, commands: Commands): string =>
  [`posthorn ${group} <command> [options]`, '', ...listed(Object.fromEntries(ofGroup(group, commands))), '', `posthorn ${group} <command> --help says more.`].join('\n');

/** The commands whose first word is this one, if they have two. */
export const ofGroup = (group: string, commands: Commands): [string, Command][] => Object.entries(commands).filter(([name]) => name.startsWith(`${group} `));

/** How a command is called. */
export function usageOf(name: string, { words = [], options, stdin }: Command): string {
  const named = words.map((word) => (word.endsWith('?') ? `[${word.slice(0, -1)}]` : `<${word}>`));
  return ['posthorn', name, ...named, ...(Object.keys(options).length > 0 ? ['[options]'] : []), ...(stdin === undefined ? [] : [`< ${stdin}`])].join(' ');
}

/** What `--help` says of a command. */
export function help(name: string, command: Command): string {
  const rows = [...optionRows(command), ['--help', 'this'] as const];
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [usageOf(name, command), '', command.summary, '', ...rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`)].join('\n');
}

/** The options of a command as the help shows them, and what it says of each. */
export const optionRows = ({ options }: Command): (readonly [option: string, describe: string])[] =>
  Object.entries(options).map(([option, { value, describe }]) => [`--${option}${value === undefined ? '' : ` ${value}`}`, describe]);

function listed(commands: Commands): string[] {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
  return Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`);
}
