import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A call as the documentation shows it: what is sent, and what was answered. */
export interface Example {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  readonly answer?: unknown;
}

type Content = Record<string, Record<string, unknown>>;

/** As much of an operation as examples stand in. */
interface Exemplified {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: { readonly type?: unknown } }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

/**
 * An example of each operation, by its method and path (`PATCH /v1/rules/:ruleId`). They are made by calls to a live API
 * (`test/api/examples.test.ts`), which a test makes again and compares.
 */
export const readExamples = (): Readonly<Record<string, Example>> =>
  JSON.parse(readFileSync(join(__dirname, 'example-calls.json'), 'utf8')) as Record<string, Example>;

/** An operation of the OpenAPI document with what its example sends and is answered. */
export function withExample<T extends object>(operation: T, example: Example | undefined): T {
  if (!example) return operation;
  const { parameters, requestBody, responses } = operation as unknown as Exemplified;
  const status = String(example.status);
  const answered = responses[status];
  return {
    ...operation,
    ...(parameters && { parameters: parameters.map((one) => ({ ...one, ...sentAs(one, example) })) }),
    ...(requestBody && example.body !== undefined && { requestBody: { ...requestBody, content: shown(requestBody.content, example.body) } }),
    responses: { ...responses, ...(answered?.content && { [status]: { ...answered, content: shown(answered.content, example.answer) } }) },
  };
}

/** What is sent as a parameter, of the type that its schema names. */
function sentAs({ name, in: place, schema }: { readonly name: string; readonly in: string; readonly schema: { readonly type?: unknown } }, example: Example): object {
  const sent = { path: example.params, query: example.query, header: example.headers }[place]?.[name];
  return sent === undefined ? {} : { example: schema.type === 'integer' ? Number(sent) : sent };
}

const shown = (content: Content, example: unknown): Content =>
  Object.fromEntries(Object.entries(content).map(([type, media]) => [type, { ...media, example }]));
