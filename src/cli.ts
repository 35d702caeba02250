#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { type Command, type Io, UsageError } from './cli/command';
import { healthcheckCommand } from './cli/healthcheck';
import { migrateCommand } from './cli/migrate';
import { receiveCommand } from './cli/receive';
import { rekeyCommand } from './cli/rekey';
import { serveCommand } from './cli/serve';
import { signCommand } from './cli/sign';
import { isSupervised, untilStopped } from './cli/stop';
import { verifyCommand } from './cli/verify';
import { workCommand } from './cli/work';
import { ConfigError } from './config';

/** The commands. What they answer goes to standard output, everything else to standard error. */
const COMMANDS: Readonly<Record<string, Command>> = {
  serve: serveCommand,
  work: workCommand,
  migrate: migrateCommand,
  rekey: rekeyCommand,
  healthcheck: healthcheckCommand,
  receive: receiveCommand,
  sign: signCommand,
  verify: verifyCommand,
};

/** The names of all commands. */
export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** Runs one command line (without the program's name). @returns the exit code: 0 done, 1 failed, 2 not understood. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name = '--help', ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    io.out(overview());
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    io.err(`posthorn: there is no command "${name}"; there are ${COMMAND_NAMES.join(', ')}`);
    return 2;
  }
  try {
    return await runCommand(name, command, rest, io);
  } catch (error) {
    io.err(`posthorn ${name}: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof UsageError) io.err(`See: posthorn ${name} --help`);
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
  }
}

async function runCommand(name: string, command: Command, args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parse(command, args);
  if (values['help'] === true) {
    io.out(help(name, command));
    return 0;
  }
  return command.run({ values: values as Record<string, never>, words: positionals }, io);
}

function parse(command: Command, args: readonly string[]): { values: Record<string, unknown>; positionals: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple }]) => [name, { type, multiple: multiple ?? false }]),
  );
  try {
    return parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: command.words !== undefined,
    });
  } catch (error) {
    // Only parseArgs throws here, and its first sentence says what it did not understand.
    throw new UsageError(error instanceof Error ? (error.message.split(/\.\s/)[0] ?? error.message) : String(error));
  }
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(13)}${summary}`);
  return ['posthorn <command> [options]', '', ...lines, '', 'posthorn <command> --help says more.'].join('\n');
}

function help(name: string, command: Command): string {
  const rows = Object.entries(command.options).map(([option, { value, describe }]): [string, string] =>
    [`--${option}${value === undefined ? '' : ` ${value}`}`, describe]);
  const width = Math.max(...rows.map(([left]) => left.length), 6) + 2;
  const lines = [...rows, ['--help', 'this'] as const].map(([left, right]) => `  ${left.padEnd(width)}${right}`);
  return [`posthorn ${name} ${command.usage}`.trimEnd(), '', command.summary, '', ...lines].join('\n');
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
  void main(process.argv.slice(2), processIo()).then((code) => {
    // What a command leaves open must not keep it; what it has written must still arrive.
    process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
  });
}
