#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { type Command, type Io, UsageError } from './cli/command';
import { COMMANDS } from './cli/commands';
import { candidates } from './cli/completion';
import { exitCodeOf, messageOf } from './cli/exit-codes';
import { groupHelp, help, ofGroup, overview } from './cli/help';
import { isSupervised, untilStopped } from './cli/stop';

/** Runs one command line (without the program's name). @returns the exit code, see `EXIT_CODES`. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [first = '--help', second = ''] = argv;
  const wantsHelp = (word: string): boolean => ['--help', '-h', 'help'].includes(word);
  if (wantsHelp(first)) {
    io.out(overview(COMMANDS));
    return 0;
  }
  if (first === 'completion' && second === 'words') {
    for (const word of candidates(argv.slice(2), COMMANDS)) io.out(word);
    return 0;
  }
  const name = [`${first} ${second}`, first].find((words) => Object.hasOwn(COMMANDS, words));
  const command = name === undefined ? undefined : COMMANDS[name];
  if (name === undefined || !command) {
    const group = ofGroup(first, COMMANDS);
    if (group.length > 0 && (second === '' || wantsHelp(second))) {
      io.out(groupHelp(first, COMMANDS));
      return second === '' ? 2 : 0;
    }
    const names = group.length > 0 ? group.map(([words]) => words) : [...new Set(Object.keys(COMMANDS).map((words) => words.split(' ')[0]))];
    io.err(`posthorn: there is no command "${group.length > 0 ? `${first} ${second}` : first}"; there are ${names.join(', ')}`);
    return 2;
  }
  try {
    return await runCommand(name, command, argv.slice(name.split(' ').length), io);
  } catch (error) {
    io.err(`posthorn ${name}: ${messageOf(error)}`);
    if (error instanceof UsageError) io.err(`See: posthorn ${name} --help`);
    return exitCodeOf(error);
  }
}

async function runCommand(name: string, command: Command, args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parse(command, args);
  if (values['help'] === true) {
    io.out(help(name, command));
    return 0;
  }
  checkWords(command, positionals);
  return command.run({ values: values as Record<string, never>, words: positionals }, io);
}

function parse(command: Command, args: readonly string[]): { values: Record<string, unknown>; positionals: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple }]) => [name, { type, multiple: multiple ?? false }]),
  );
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals: true });
  } catch (error) {
    // Only parseArgs throws here, and its first sentence says what it did not understand.
    throw new UsageError(error instanceof Error ? (error.message.split(/\.\s/)[0] ?? error.message) : String(error));
  }
}

function checkWords({ words = [] }: Command, given: readonly string[]): void {
  const missing = words.filter((word) => !word.endsWith('?'))[given.length];
  if (missing !== undefined) throw new UsageError(`<${missing}> is needed`);
  if (given.length > words.length) throw new UsageError(`Unexpected argument ${JSON.stringify(given[words.length])}`);
}

/** The process as commands see it. */
function processIo(): Io {
  return {
    env: process.env,
    stdin: process.stdin,
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    untilStopped: () => untilStopped(process, process.env),
    isSupervised: isSupervised(process, process.env),
    ready: (message) => void process.send?.(message),
  };
}

if (require.main === module) {
  // A lookup of a name holds a thread of the pool for as long as the resolver takes: the default of four would let one
  // slow name hold up every endpoint. It is read at the first use of the pool.
  process.env['UV_THREADPOOL_SIZE'] ??= '64';
  // Whoever reads our answer may stop reading: `posthorn events list | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  void main(process.argv.slice(2), processIo()).then((code) => {
    // What a command leaves open must not keep it; what it has written must still arrive.
    process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
  });
}
