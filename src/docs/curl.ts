import type { Operation, Parameter, PlacedOperation } from './api-document';

/** The call as one would type it, made from the operation's own examples. `API` and `KEY` are shell variables. */
export function curlOf(operation: PlacedOperation): string {
  const { method, path, parameters = [] } = operation;
  const [body] = Object.entries(operation.requestBody?.content ?? {}).filter(([, { example }]) => example !== undefined);
  const queries = parameters.filter((one) => one.in === 'query' && one.example !== undefined);
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(exampleOf(parameters, name) ?? `<${name}>`)));
  const query = queries.map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`).join('&');
  const isPost = method === 'POST' && body !== undefined;
  return [
    `curl${method === 'GET' || isPost ? '' : ` -X ${method}`} "$API${filled}${query === '' ? '' : `?${query}`}"`,
    ...(needsKey(operation) ? ['-H "Authorization: Bearer $KEY"'] : []),
    ...(body === undefined ? [] : [`-H 'Content-Type: ${body[0]}'`, `-d '${textOf(body[1].example).replaceAll("'", `'\\''`)}'`]),
  ].join(' \\\n  ');
}

/** A value as it is sent or shown: text as it is, all else as JSON. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

const exampleOf = (parameters: readonly Parameter[], name: string): unknown =>
  parameters.find((one) => one.in === 'path' && one.name === name)?.example;

const needsKey = (operation: Operation): boolean => operation['x-role'] !== undefined;
