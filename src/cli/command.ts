import { CliError } from './exit-codes';

/** One option of a command: what `--help` says of it, and whether it takes a value. */
export interface Option {
  readonly type: 'string' | 'boolean';
  /** May be given several times. */
  readonly multiple?: true;
  /** What stands for the value in the help: `N`, `SECRET`. */
  readonly value?: string;
  /** The values that there are, for completion. */
  readonly choices?: readonly string[];
  readonly describe: string;
}

/** The options of a command by their long names. */
export type Options = Readonly<Record<string, Option>>;

type Value<O extends Option> = O['type'] extends 'boolean' ? boolean : O extends { readonly multiple: true } ? readonly string[] : string;

/** What was given on the command line; what was not is absent. */
export interface Given<O extends Options> {
  readonly values: { readonly [K in keyof O]?: Value<O[K]> };
  readonly words: readonly string[];
}

/** What a command may use of its process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Writes one line of what the command answers. */
  out(line: string): void;
  /** Writes one line of what went wrong, or of what people may want to know. */
  err(line: string): void;
  /** Listens to signals from now on, and returns when the process is asked to stop. */
  untilStopped(): Promise<void>;
  /** Started by a supervisor, which stops its parts in order and shows what they are ready with. */
  readonly isSupervised: boolean;
  /** Tells the process that started this one that it is ready; nothing where nobody listens. */
  ready(message: Readonly<Record<string, unknown>>): void;
}

/** One command of the CLI. */
export interface Command {
  readonly summary: string;
  readonly options: Options;
  /** Words that follow its name, as the help names them: `endpoint`. One that may be left out ends with `?`. None unless told. */
  readonly words?: readonly string[];
  /** The values that there are for the first word, for completion. */
  readonly choices?: readonly string[];
  /** What it reads from standard input, as the help names it. */
  readonly stdin?: string;
  /** @returns the exit code. @throws CliError; UsageError where it was asked in a way it does not know. */
  readonly run: (given: Given<Options>, io: Io) => Promise<number>;
}

/** A command as it is declared: what its `run` is given is typed by its options. */
export interface TypedCommand<O extends Options> extends Omit<Command, 'options' | 'run'> {
  readonly options: O;
  readonly run: (given: Given<O>, io: Io) => Promise<number>;
}

/** Declares a command; what its `run` is given is typed by its options. */
export const command = <const O extends Options>(typed: TypedCommand<O>): Command => typed as unknown as Command;

/** The option that all commands with an answer have. */
export const JSON_OPTION = { json: { type: 'boolean', describe: 'answer in JSON: one value, of a list or a stream one a line' } } as const satisfies Options;

/** The command line is not one that the command understands: exit code 2. */
export class UsageError extends CliError {
  constructor(message: string) {
    super('usage', message);
  }
}

/** A whole number of an option. @throws UsageError naming the option, what was seen and what is allowed. */
export function wholeNumber(name: string, text: string | undefined, ifAbsent: number, min: number, max: number): number {
  if (text === undefined) return ifAbsent;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max} (seen: ${JSON.stringify(text)})`);
}

/** The value of an option that must be given. @throws UsageError where it is not. */
export function required(name: string, text: string | undefined): string {
  if (text === undefined || text === '') throw new UsageError(`--${name} is needed`);
  return text;
}

/** JSON that was given as text. @throws UsageError naming where it was given. */
export function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} must be JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A `name: value` of an option. @throws UsageError */
export function headerOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw new UsageError(`--header must be 'name: value' (seen: ${JSON.stringify(line)})`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

/** All of standard input. */
export async function readAll(input: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}
