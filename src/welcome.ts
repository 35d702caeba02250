/** What a start has to say. */
export interface Welcome {
  /** Where the API listens. */
  readonly url: string;
  /** The root key, where it has just been made: it is never shown again. */
  readonly rootKey?: string | null | undefined;
  readonly temporalUiUrl?: string | undefined;
}

/** The addresses, the root key, and a command that works as it stands. */
export function welcome({ url, rootKey, temporalUiUrl }: Welcome): string {
  const rows = [
    ['API', url],
    ['Documentation', `${url}/docs`],
    ['Console', `${url}/console`],
    ...(temporalUiUrl ? [['Temporal UI', temporalUiUrl]] : []),
    ...(rootKey ? [['Root key', `${rootKey}   (shown this once: keep it)`]] : []),
  ].map(([name = '', value = '']) => `  ${name.padEnd(15)}${value}`);
  const tryIt = rootKey
    ? [
        `  curl ${url}/v1/records -H 'Authorization: Bearer ${rootKey}' \\`,
        `    -H 'Content-Type: application/json' -d '{"type":"customer","attributes":{"name":"Ada"}}'`,
      ]
    : [`  curl ${url}/readyz`];
  return ['', 'Posthorn is running.', '', ...rows, '', 'Try it:', '', ...tryIt, ''].join('\n');
}
