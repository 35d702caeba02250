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
    ...parameters.filter((one) => one.in === 'header' && one.example !== undefined).map(({ name, example }) => `-H '${name}: ${String(example)}'`),
    ...(body === undefined ? [] : [`-H 'Content-Type: ${body[0]}'`, `-d '${textOf(body[1].example).replaceAll("'", `'\\''`)}'`]),
  ].join(' \\\n  ');
}

/** A value as it is sent or shown: text as it is, all else as JSON. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : jsonOf(value));

const LINE_LENGTH = 80;

/** JSON as people write it: what is short stands on one line. */
function jsonOf(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const entries = Array.isArray(value) ? value.map((item) => ['', item] as const) : Object.entries(value).map(([key, inner]) => [`${JSON.stringify(key)}: `, inner] as const);
  if (entries.length === 0) return open + close;
  const space = open === '{' ? ' ' : '';
  const parts = entries.map(([name, inner]) => name + jsonOf(inner, `${indent}  `));
  const line = open + space + parts.join(', ') + space + close;
  if (line.length + indent.length <= LINE_LENGTH && !line.includes('\n')) return line;
  return `${open}\n${parts.map((part) => `${indent}  ${part}`).join(',\n')}\n${indent}${close}`;
}

const exampleOf = (parameters: readonly Parameter[], name: string): unknown =>
  parameters.find((one) => one.in === 'path' && one.name === name)?.example;

const needsKey = (operation: Operation): boolean => operation['x-role'] !== undefined;
