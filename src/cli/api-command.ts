import { type Answered, type Api, openApi } from './api';
import { type Command, command, type Given, type Io, JSON_OPTION, type Options, type TypedCommand } from './command';
import { facts, table } from './print';

/** The options by which a command finds the API. */
export const API_OPTIONS = {
  url: { type: 'string', value: 'URL', describe: 'where the API is; POSTHORN_URL, or http://127.0.0.1:3000, unless told' },
  key: { type: 'string', value: 'KEY', describe: 'API key; better set POSTHORN_KEY: others on this machine see command lines' },
  workspace: { type: 'string', value: 'NAME', describe: 'with the root key: id or name of a workspace; POSTHORN_WORKSPACE, or default, unless told' },
  ...JSON_OPTION,
} as const satisfies Options;

/** The options of a list. */
export const LIST_OPTIONS = { limit: { type: 'string', value: 'N', describe: 'how many at most, newest first; 50 unless told' } } as const satisfies Options;

/** How a command answers: as JSON where it was asked for, else for people. */
export interface Answer {
  /** One value; `lines` is how people read it, its members unless told. */
  one(value: Answered, lines?: readonly string[]): void;
  /** A list: a row each. */
  many(items: AsyncIterable<Answered>, columns: Readonly<Record<string, (item: Answered) => unknown>>): Promise<void>;
}

type ApiOptions<O extends Options> = O & typeof API_OPTIONS;

interface ApiCommand<O extends Options> extends Omit<TypedCommand<O>, 'run'> {
  readonly run: (given: Given<ApiOptions<O>>, context: { readonly api: Api; readonly answer: Answer; readonly io: Io }) => Promise<number | void>;
}

/** Declares a command that calls the API. It is done (exit code 0) unless it says otherwise. */
export const apiCommand = <const O extends Options>({ run, options, ...rest }: ApiCommand<O>): Command => command({
  ...rest,
  options: { ...options, ...API_OPTIONS },
  async run(given, io) {
    const { url, key, workspace, json } = given.values as Given<typeof API_OPTIONS>['values'];
    const api = openApi({ url, key, workspace }, io.env);
    return (await run(given as unknown as Given<ApiOptions<O>>, { api, answer: answerTo(io, json === true), io })) ?? 0;
  },
});

function answerTo(io: Io, isJson: boolean): Answer {
  return {
    one(value, lines = facts(value)) {
      for (const line of isJson ? [JSON.stringify(value)] : lines) io.out(line);
    },
    async many(items, columns) {
      const rows: unknown[][] = [];
      for await (const item of items) {
        if (isJson) io.out(JSON.stringify(item));
        else rows.push(Object.values(columns).map((read) => read(item)));
      }
      if (!isJson) for (const line of rows.length === 0 ? ['none'] : table(Object.keys(columns), rows)) io.out(line);
    },
  };
}

/** A column that shows a member. */
export const member = (name: string) => (item: Answered): unknown => item[name];
