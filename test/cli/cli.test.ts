import { execFileSync } from 'node:child_process';
import { COMMANDS } from '../../src/cli/commands';
import { CLI } from '../support/processes';
import { run } from './run-cli';

const NAMES = Object.keys(COMMANDS);

test.each([[[]], [['--help']], [['-h']], [['help']]])('%j shows every command', async (argv) => {
  const { code, out } = await run(argv);
  expect(code).toBe(0);
  for (const name of NAMES) expect(out.join('\n')).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
});

test.each(NAMES)('%s --help says what it does and what its options are, and does nothing', async (name) => {
  const { code, out } = await run([...name.split(' '), '--help']);
  expect(code).toBe(0);
  expect(out.join('\n')).toMatch(new RegExp(`^posthorn ${name}`));
  expect(out.join('\n')).toMatch(/^ {2}--help +this$/m);
});

test('a group shows its own commands', async () => {
  const { code, out } = await run(['endpoints', '--help']);
  expect(code).toBe(0);
  expect(out.join('\n')).toContain('  endpoints rotate-secret');
  expect(out.join('\n')).not.toContain('deliveries');
  expect(await run(['endpoints'])).toMatchObject({ code: 2, out });
});

test('an unknown command is told with those that there are', async () => {
  expect(await run(['deliver'])).toEqual({ code: 2, out: [], err: [expect.stringMatching(/"deliver".*serve, work, migrate/)] });
  expect(await run(['jobs', 'stop'])).toEqual({ code: 2, out: [], err: [expect.stringMatching(/"jobs stop".*jobs list, jobs get/)] });
  expect((await run(['constructor'])).code).toBe(2);
});

test.each([
  [['serve', '--port', '1'], "Unknown option '--port'"], [['migrate', 'up'], 'Unexpected argument "up"'], [['sign', '--secret'], 'argument missing'],
  [['listen', '--port', 'x'], '--port must be a whole number from 0 to 65535 (seen: "x")'], [['listen', '--status', '199'], '--status'],
  [['healthcheck'], '<serve|work> is needed'], [['healthcheck', 'relay'], '"relay"'], [['sign', '--id', 'evt_1'], '--secret is needed'],
  [['verify', '--secret', 'x', '--header', 'nothing'], '"nothing"'], [['completion', 'csh'], '"csh"'],
] as const)('%j is not understood: exit code 2, and where to look', async (argv, message) => {
  const { code, out, err } = await run(argv);
  expect({ code, out }).toEqual({ code: 2, out: [] });
  expect(err[0]).toContain(message);
  expect(err[1]).toBe(`See: posthorn ${argv[0]} --help`);
});

test.each(['serve', 'work', 'migrate', 'healthcheck serve'])('%s tells all mistakes in the settings at once, without secrets', async (line) => {
  const { code, err } = await run(line.split(' '), { env: { PORT: 'http', HEAD_START: 'maybe', POSTHORN_ROOT_KEY: 'c4nary' } });
  expect(code).toBe(2);
  expect(err.join('\n')).toMatch(/PORT: [^]*POSTHORN_ROOT_KEY: [^]*HEAD_START: /);
  expect(err.join('\n')).not.toContain('c4nary');
});

test('migrate without a database says whose the embedded one is', async () => {
  const { code, err } = await run(['migrate']);
  expect(code).toBe(2);
  expect(err[0]).toMatch(/DATABASE_URL is needed.*npm start/);
});

test('what needs neither Temporal nor PostgreSQL loads neither, nor the settings', () => {
  const script = `
    process.on('exit', () => process.stdout.write(JSON.stringify(Object.keys(require.cache))));
    require(${JSON.stringify(CLI)}).main(['endpoints', 'list', '--help'], { env: {}, out() {}, err() {} });
  `;
  const printed = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  const packages = (JSON.parse(printed) as string[]).filter((path) => path.includes('node_modules'));
  expect(packages).toEqual([]);
});

describe('completion', () => {
  const words = async (...line: string[]): Promise<readonly string[]> => (await run(['completion', 'words', ...line])).out;

  test('completes commands, options and values', async () => {
    expect(await words('end')).toEqual(['endpoints']);
    expect(await words('endpoints', 'r')).toEqual(['endpoints reactivate', 'endpoints rotate-secret'].map((name) => name.split(' ')[1]));
    expect(await words('recover', 'ep_1', '--o')).toEqual(['--only']);
    expect(await words('recover', 'ep_1', '--only', '')).toEqual(['failed', 'missing', 'all']);
    expect(await words('deliveries', 'list', '--status', 'E')).toEqual(['EXHAUSTED']);
    expect(await words('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await words('nothing', 'x')).toEqual([]);
    expect((await words('')).slice(0, 2)).toEqual(['serve', 'work']);
  });

  test('bash takes its script, and completes by it', async () => {
    const { out: [script = ''] } = await run(['completion', 'bash']);
    const driver = `posthorn() { ${process.execPath} ${CLI} "$@"; }\n${script}\nCOMP_WORDS=(posthorn endpoints de); COMP_CWORD=2; _posthorn; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', driver], { encoding: 'utf8' }).trim()).toBe('deactivate');
  });

  test.each(['zsh', 'fish'])('%s gets one, too', async (shell) => {
    const { code, out } = await run(['completion', shell]);
    expect(code).toBe(0);
    expect(out.join('\n')).toMatch(/posthorn completion words/);
  });
});
