import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { parse, parseAllDocuments } from 'yaml';
import { COMMANDS } from '../src/cli/commands';
import { SECRET_SETTINGS, Settings } from '../src/config';

const ROOT = join(__dirname, '..');
const FOLDER = join(ROOT, 'docs', 'deploy', 'kubernetes');
/** A process ends within so long of its SIGTERM. */
const GRACE_SECONDS = 40;

interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- of every kind; the schemas say what it holds
  readonly spec?: any;
}

const manifests: readonly Manifest[] = readdirSync(FOLDER).sort().flatMap((file) =>
  parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map((document): Manifest => ({ file, ...(document.toJS() as Omit<Manifest, 'file'>) })));
const named = (kind: string, name: string): Manifest => {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (!found) throw new Error(`There is no ${kind} ${name}`);
  return found;
};
const workloads = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
const settings = (): Record<string, string> => ({ ...named('ConfigMap', 'posthorn').data });
const secrets = (): string[] => ['posthorn', 'posthorn-root-key'].flatMap((name) => Object.keys(named('Secret', name).stringData ?? {}));

/** The faults that the checker of types finds in the manifests, each as the literal of its kind: also a field that there is not. */
function faultsOf(checked: readonly Manifest[]): string[] {
  const source = checked.map(({ file: _file, ...manifest }, index) => {
    const [group, version] = manifest.apiVersion.includes('/') ? manifest.apiVersion.split('/') : [null, manifest.apiVersion];
    const folder = group === null ? version : `${group}/${version}`;
    return `import type { I${manifest.kind} as Kind${index} } from 'kubernetes-models/${folder}/${manifest.kind}';\n` +
      `export const manifest${index}: Kind${index} = ${JSON.stringify(manifest)};\n`;
  }).join('');
  const options: ts.CompilerOptions = {
    strict: true, skipLibCheck: true, noEmit: true, types: [], target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const name = join(ROOT, 'test', 'manifests.ts');
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (file, ...rest) => (file === name ? ts.createSourceFile(file, source, ts.ScriptTarget.ES2022) : read(file, ...rest));
  return ts.getPreEmitDiagnostics(ts.createProgram([name], options, host)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

test('every manifest is one of Kubernetes, with the fields that its kind has and no other', () => {
  expect(manifests.map(({ kind }) => kind)).toEqual([
    'Namespace', 'ConfigMap', 'Secret', 'Secret', 'Job', 'Deployment', 'Service', 'PodDisruptionBudget', 'Deployment', 'PodDisruptionBudget', 'HorizontalPodAutoscaler',
  ]);
  expect(faultsOf(manifests)).toEqual([]);
  const worker = named('Deployment', 'posthorn-worker');
  const misspelt = { ...worker, spec: { ...worker.spec, template: { ...worker.spec.template, spec: { ...worker.spec.template.spec, terminationGraceSeconds: 60 } } } };
  expect(faultsOf([misspelt])).toEqual([expect.stringContaining('terminationGraceSeconds')]);
});

test.each(manifests.map((one) => [`${one.kind} ${one.metadata.name}`, one] as const))('the values of %s are what Kubernetes takes', (_name, { file: _file, ...manifest }) => {
  const folder = manifest.apiVersion;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- which one depends on the manifest
  const models = require(`kubernetes-models/${folder}`) as Record<string, new (value: object) => { validate(): void }>;
  const model = new (models[manifest.kind] as (typeof models)[string])(manifest);
  expect(() => model.validate()).not.toThrow();
  expect(manifest.kind === 'Namespace' || manifest.metadata.namespace === 'posthorn').toBe(true);
});

test('every variable is one of our settings, and together they are all right', () => {
  const names = [...Object.keys(settings()), ...secrets()];
  expect(names.filter((name) => !Object.hasOwn(Settings.shape, name))).toEqual([]);
  const filled = { ...settings(), DATABASE_URL: 'postgres://a:b@c/d', POSTHORN_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`, POSTHORN_ROOT_KEY: 'x'.repeat(64) };
  const given = Object.fromEntries(Object.entries(filled).filter(([, value]) => value !== ''));
  expect(Settings.safeParse(given).error).toBeUndefined();
});

test('secrets are in secrets, empty, in a file that kubectl does not apply with the folder; only the API has the root key', () => {
  expect(Object.keys(settings()).filter((name) => SECRET_SETTINGS.has(name))).toEqual([]);
  for (const { file, stringData } of manifests.filter(({ kind }) => kind === 'Secret')) {
    expect(file).not.toMatch(/\.(ya?ml|json)$/);
    expect(Object.values(stringData ?? {})).toEqual(Object.keys(stringData ?? {}).map(() => ''));
  }
  const withRootKey = workloads.filter(({ spec }) => JSON.stringify(spec).includes('posthorn-root-key'));
  expect(withRootKey.map(({ metadata }) => metadata.name)).toEqual(['posthorn-api']);
});

test.each(workloads.map((one) => [one.metadata.name, one] as const))('%s runs a command of ours, as no root, with a file system that it can not write', (_name, { spec }) => {
  const pod = spec.template.spec;
  const [container] = pod.containers;
  expect(Object.keys(COMMANDS)).toContain(container.args[0]);
  expect(container.envFrom.map((from: Record<string, { name: string }>) => Object.values(from)[0]?.name).slice(0, 2)).toEqual(['posthorn', 'posthorn']);
  expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } });
  expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
  expect(container.resources).toMatchObject({ requests: { cpu: expect.anything(), memory: expect.anything() }, limits: { memory: expect.anything() } });
});

test.each(['posthorn-api', 'posthorn-worker'])('%s has the time to end, is replaced one by one, and keeps one at least', (name) => {
  const { spec } = named('Deployment', name);
  const [, wait = '0'] = spec.template.spec.containers[0].lifecycle?.preStop.exec.command ?? [];
  expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(GRACE_SECONDS + Number(wait));
  expect(spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
  const labels = spec.selector.matchLabels;
  expect(spec.template.metadata.labels).toMatchObject(labels);
  expect(named('PodDisruptionBudget', name).spec).toEqual({ minAvailable: 1, selector: { matchLabels: labels } });
});

test('the probes and the service go to ports that are open, at paths that are answered', () => {
  const api = named('Deployment', 'posthorn-api').spec.template.spec.containers[0];
  const worker = named('Deployment', 'posthorn-worker').spec.template.spec.containers[0];
  const portOf = (container: typeof api, name: string): number => container.ports.find((port: { name: string }) => port.name === name)?.containerPort;
  expect([portOf(api, 'http'), portOf(api, 'metrics'), portOf(worker, 'metrics')].map(String)).toEqual([settings()['PORT'], settings()['METRICS_PORT'], settings()['WORKER_METRICS_PORT']]);
  expect([settings()['HOST'], settings()['METRICS_HOST']]).toEqual(['0.0.0.0', '0.0.0.0']);
  expect([api.readinessProbe, api.livenessProbe, api.startupProbe].map(({ httpGet }) => httpGet)).toEqual([
    { path: '/readyz', port: 'http' }, { path: '/healthz', port: 'http' }, { path: '/healthz', port: 'http' },
  ]);
  for (const probe of ['readinessProbe', 'livenessProbe', 'startupProbe']) expect(worker[probe].httpGet).toEqual({ path: '/metrics', port: 'metrics' });
  const service = named('Service', 'posthorn-api').spec;
  expect([service.selector, service.ports[0].targetPort]).toEqual([named('Deployment', 'posthorn-api').spec.selector.matchLabels, 'http']);
});

test('workers are scaled by a metric that there is, under the name that the adapter gives it', () => {
  const { spec } = named('HorizontalPodAutoscaler', 'posthorn-worker');
  const { externalRules: [rule] } = parse(readFileSync(join(FOLDER, '..', 'prometheus-adapter.yml'), 'utf8')) as {
    externalRules: [{ seriesQuery: string; name: { as: string }; metricsQuery: string }];
  };
  expect(spec.scaleTargetRef.name).toBe(named('Deployment', 'posthorn-worker').metadata.name);
  expect(named('Deployment', 'posthorn-worker').spec.replicas).toBeUndefined();
  expect(spec.metrics.map(({ external }: { external: { metric: { name: string } } }) => external.metric.name)).toEqual([rule.name.as]);
  expect(rule.metricsQuery).toContain(rule.seriesQuery);
  expect(readFileSync(join(ROOT, 'src', 'metrics', 'metrics.ts'), 'utf8')).toContain(`'${rule.seriesQuery}'`);
});
