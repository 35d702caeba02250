import dns from 'node:dns';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What names that end in ".test" resolve to, in processes that are started with `env`: addresses, an error code, or no answer (`hang`). */
export interface FakeDns {
  readonly env: { readonly NODE_OPTIONS: string; readonly FAKE_DNS: string };
  /** For files of the test's own, removed with it. */
  readonly folder: string;
  resolveTo(names: Readonly<Record<string, readonly string[] | string>>): void;
  remove(): void;
}

/** Makes one that knows no name yet. */
export function fakeDns(): FakeDns {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-dns-'));
  const file = join(folder, 'names.json');
  const resolveTo: FakeDns['resolveTo'] = (names) => writeFileSync(file, JSON.stringify(names));
  resolveTo({});
  return { env: { NODE_OPTIONS: `--require ${join(__dirname, 'fake-dns.cjs')}`, FAKE_DNS: file }, folder, resolveTo, remove: () => rmSync(folder, { recursive: true }) };
}

/** Has the resolver of this process say of names that end in ".invalid" that there are none, until `jest.restoreAllMocks`: that of the machine may give no answer at all. */
export function noNames(): void {
  const { lookup } = dns;
  jest.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: ((error: Error) => void)[]) => {
    if (!host.endsWith('.invalid')) return (lookup as (...all: unknown[]) => void)(host, ...rest);
    setImmediate(() => rest.at(-1)?.(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })));
  }) as unknown as typeof dns.lookup);
}
