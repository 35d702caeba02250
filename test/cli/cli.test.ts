import { COMMAND_NAMES } from '../../src/cli';
import { run } from './run-cli';

test.each([[[]], [['--help']], [['-h']], [['help']]])('%j shows every command', async (argv) => {
  const { code, out } = await run(argv);
  expect(code).toBe(0);
  for (const name of COMMAND_NAMES) expect(out.join('\n')).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
});

test.each([...COMMAND_NAMES])('%s --help says what it does and what its options are, and does nothing', async (name) => {
  const { code, out } = await run([name, '--help']);
  expect(code).toBe(0);
  expect(out.join('\n')).toMatch(new RegExp(`^posthorn ${name}`));
  expect(out.join('\n')).toMatch(/^ {2}--help +this$/m);
});

test('an unknown command is told with those that there are', async () => {
  expect(await run(['deliver'])).toEqual({ code: 2, out: [], err: [expect.stringMatching(/"deliver".*serve, work, migrate/)] });
  expect((await run(['constructor'])).code).toBe(2);
});

test.each([
  [['serve', '--port', '1'], "Unknown option '--port'"], [['migrate', 'up'], 'Unexpected argument'], [['sign', '--secret'], 'argument missing'],
  [['receive', '--port', 'x'], '--port must be a whole number from 0 to 65535 (seen: "x")'], [['receive', '--status', '199'], '--status'],
  [['healthcheck'], 'serve or healthcheck work'], [['healthcheck', 'relay'], '"relay"'], [['sign', '--id', 'evt_1'], '--secret is needed'],
  [['verify', '--secret', 'x', '--header', 'nothing'], '"nothing"'],
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
