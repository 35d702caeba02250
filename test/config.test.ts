import { ConfigError, readConfig, SECRET_SETTINGS, Settings } from '../src/config';

const KEY = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

const mistakesOf = (env: Record<string, string>): readonly string[] => {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
};

test('an empty environment is enough, and gives the defaults', () => {
  expect(readConfig({})).toMatchObject({
    PORT: 3000, HOST: '127.0.0.1', TEMPORAL_NAMESPACE: 'default', WORKFLOW_STARTS_PER_SECOND: 20, EVENTS_PER_WORKFLOW: 200,
    HEAD_START: true, RETENTION_DAYS: 30, POSTHORN_DATA_DIR: '.posthorn',
  });
  expect(readConfig({}).DATABASE_URL).toBeUndefined();
});

test('an empty or blank value counts as unset', () => {
  expect(readConfig({ PORT: '', DATABASE_URL: '  ', API_RATE_PER_SECOND: '' })).toEqual(readConfig({}));
});

test('every mistake is told at once, with the setting, what was seen and what is allowed', () => {
  const mistakes = mistakesOf({ PORT: '70000', HEAD_START: 'yes', TEMPORAL_ADDRESS: 'http://temporal', RETENTION_DAYS: '0', LOG_LEVEL: 'loud' });
  expect(mistakes).toHaveLength(5);
  expect(mistakes[0]).toMatch(/^PORT: .*65535.*seen: "70000"/);
  expect(mistakes.join('\n')).toMatch(/HEAD_START: .*"on".*"off".*seen: "yes"/);
  expect(mistakes.join('\n')).toMatch(/TEMPORAL_ADDRESS: must be host:port \(seen: "http:\/\/temporal"\)/);
  expect(() => readConfig({ PORT: 'x', HEAD_START: 'y' })).toThrow(/PORT: [^]*HEAD_START: /);
});

test.each([...SECRET_SETTINGS])('a wrong %s is told without its value', (name) => {
  const mistakes = mistakesOf({ [name]: 'c4nary' });
  const message = new ConfigError(mistakes).message;
  expect(message).not.toContain('c4nary');
  if (mistakes.length > 0) expect(mistakes.join('\n')).toContain(`${name}: `);
});

test('every setting whose name says that it is secret is masked', () => {
  const secret = Object.keys(Settings.shape).filter((name) => /(_KEY|_KEYS|SECRET|PASSWORD)$/.test(name) && !name.startsWith('TEMPORAL_TLS'));
  expect(secret.filter((name) => !SECRET_SETTINGS.has(name))).toEqual([]);
});

test('a database of one’s own needs an encryption key of one’s own', () => {
  expect(mistakesOf({ DATABASE_URL: 'postgres://db/x' })).toEqual([expect.stringMatching(/^POSTHORN_ENCRYPTION_KEYS: is needed/)]);
  expect(readConfig({ DATABASE_URL: 'postgres://db/x', POSTHORN_ENCRYPTION_KEYS: KEY }).POSTHORN_ENCRYPTION_KEYS).toEqual([KEY]);
});

test.each([
  ['no id', KEY.slice(3)], ['not 32 bytes', `k1:${Buffer.alloc(31).toString('base64')}`], ['no base64', `k1:${'!'.repeat(43)}=`], ['one of two is wrong', `${KEY},k2:short`],
])('encryption keys are refused: %s', (_what, keys) => {
  expect(mistakesOf({ POSTHORN_ENCRYPTION_KEYS: keys }).join()).toMatch(/POSTHORN_ENCRYPTION_KEYS: .*openssl rand -base64 32.*seen: \[hidden\]/);
});

test('a list is split at commas, and blanks are left out', () => {
  expect(readConfig({ DELIVERY_ALLOWED_NETWORKS: ' 10.0.0.0/8, ::1/128,,' }).DELIVERY_ALLOWED_NETWORKS).toEqual(['10.0.0.0/8', '::1/128']);
});

test.each([
  ['DATABASE_URL', 'mysql://db/x'], ['PUBLIC_URL', 'here'], ['PORT', '3.5'], ['PORT', '-1'], ['EVENTS_PER_WORKFLOW', '201'],
  ['WORKFLOW_STARTS_PER_SECOND', '0'], ['POSTHORN_ROOT_KEY', 'short'], ['DATABASE_POOL', '501'],
])('%s=%s is refused', (name, value) => {
  expect(mistakesOf({ [name]: value }).filter((line) => line.startsWith(`${name}: `))).toHaveLength(1);
});

test.each([
  ['DELIVERY_ALLOWED_NETWORKS', '10.0.0.0/8,10.1.0.0/33', /"10\.1\.0\.0\/33" is not a network/], ['DELIVERY_ALLOWED_NETWORKS', 'db.internal', /"db\.internal" is not a network/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=b,c=100%', /c: .*percent-encoded/], ['OTEL_EXPORTER_OTLP_HEADERS', 'a=b%0ac', /a: .*percent-encoded/],
  ['POSTHORN_ROOT_KEY', 'a key that nobody can send', /16 to 512 .*without spaces/], ['POSTHORN_ROOT_KEY', 'schlüssel'.repeat(4), /16 to 512/],
  ['POSTHORN_ROOT_KEY', 'x'.repeat(513), /16 to 512/],
])('a %s that would fail where it is used is refused: %#', (name, value, message) => {
  expect(mistakesOf({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name}: `))]);
  expect(mistakesOf({ [name]: value })[0]).toMatch(message);
});

test('headers for the collector are percent-decoded', () => {
  expect(readConfig({ OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20eDp5,a=b=c' }).OTEL_EXPORTER_OTLP_HEADERS).toEqual({ authorization: 'Basic eDp5', a: 'b=c' });
});

test('the settings can not be changed once they are read', () => {
  expect(Object.isFrozen(readConfig({}))).toBe(true);
});

test('variables that are none of ours are left alone', () => {
  expect(Object.keys(readConfig({ PATH: '/bin', POSTGRES_PASSWORD: 'x' }))).not.toContain('PATH');
});
