import { openChaosProxy } from '../support/chaos-proxy';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';
import { type Given, type Ran, run, start } from './run-cli';

const { service, receiver } = useService();

/** Runs a command line against the service; `line` is split at its spaces, `more` is not. */
const posthorn = async (line: string, more: readonly string[] = [], given: Given = {}): Promise<Ran> => {
  const ran = start([...line.split(' '), ...more], { ...given, env: { POSTHORN_URL: service.url(), POSTHORN_KEY: service.rootKey, ...given.env } });
  return ran.ended;
};
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of every shape
const asked = async (line: string, more: readonly string[] = [], given: Given = {}): Promise<any> => {
  const { code, out, err } = await posthorn(`${line} --json`, more, given);
  if (code !== 0 || out.length !== 1) throw new Error(`${line}: ${code} ${out.join()} ${err.join()}`);
  return JSON.parse(out[0]!);
};

test('an endpoint is made, tested, deactivated, reactivated, and gets another secret', async () => {
  const made = await asked(`endpoints create ${receiver.url}/made --dialect chakra --events a.*,b --name CRM --secret s`, ['--header', 'X-Team: blue', '--policy', '{"ordering":"fifo"}']);
  expect(made).toMatchObject({ name: 'CRM', dialect: 'chakra', events: ['a.*', 'b'], headers: { 'X-Team': '[redacted]' }, policy: { ordering: 'fifo' }, secret: 's' });
  expect(await asked(`endpoints get ${made.id}`)).toMatchObject({ id: made.id });
  expect(await asked(`endpoints test ${made.id} --type a.b`, ['--data', '{"n":1}'])).toMatchObject({ outcome: 'ok', statusCode: 200 });
  expect(JSON.parse(receiver.received('/made')[0]!.body)).toMatchObject({ type: 'a.b', data: { n: 1 } });
  expect(receiver.received('/made')[0]!.headers).toMatchObject({ 'x-team': 'blue' });
  receiver.willAnswer('/made', [500]);
  expect(await posthorn(`endpoints test ${made.id}`)).toMatchObject({ code: 1, out: expect.arrayContaining([expect.stringMatching(/^outcome +http_error$/)]) });
  expect(await asked(`endpoints deactivate ${made.id} --reason moving`)).toMatchObject({ status: 'DEACTIVATED', statusReason: 'moving' });
  const { out } = await posthorn('endpoints list --status DEACTIVATED');
  expect(out[0]).toMatch(/^ID +STATUS +REASON +DIALECT +NAME +URL$/);
  expect(out.slice(1)).toEqual([expect.stringMatching(new RegExp(`^${made.id} +DEACTIVATED +moving +chakra +CRM +http://`))]);
  expect(await asked(`endpoints reactivate ${made.id} --hold`)).toMatchObject({ status: 'ACTIVE' });
  expect(await asked(`endpoints health ${made.id}`)).toMatchObject({ status: 'ACTIVE', held: 0 });
  expect(await asked(`endpoints rotate-secret ${made.id} --secret t --grace 60`)).toMatchObject({ secret: 't' });
});

test('an event is published byte for byte, followed live, and its delivery is looked at and sent again', async () => {
  const { id: endpoint } = await service.endpoint(`${receiver.url}/events`, { events: ['cli.*'] });
  const before = await asked('events publish cli.before', ['--data', '1']);
  const tail = start(['events', 'tail', '--json', '--every', '50', '--last', '1'], { env: { POSTHORN_URL: service.url(), POSTHORN_KEY: service.rootKey } });
  await tail.ready;
  const data = '{ "z": 1.0,\n "1": 12345678901234567890 }';
  const published = await asked('events publish cli.now --id mine', [], { stdin: data });
  expect(await asked('events publish cli.now --id mine', [], { stdin: data })).toEqual({ ...published, duplicate: true });
  await until(() => tail.out.length >= 2, { what: 'the event in the tail' });
  tail.stop();
  expect(await tail.ended).toMatchObject({ code: 0, err: [] });
  expect(tail.out.map((line) => JSON.parse(line).id)).toEqual([before.id, published.id]);

  await untilSettled(service, [before.id, published.id]);
  expect(receiver.received('/events').some(({ body }) => body.includes(data))).toBe(true);
  expect((await posthorn('events list --type cli.now')).out[1]).toMatch(new RegExp(`^${published.id} .* cli.now +- +1 +true$`));
  const shown = await asked(`events get ${published.id}`);
  const [{ id: delivery }] = shown.deliveries;
  expect((await posthorn(`deliveries get ${delivery}`)).out.join('\n')).toMatch(/^status +DELIVERED$[^]*^ATTEMPT +STARTED +MS +STATUS +OUTCOME +ERROR$\n^1 .* 200 +ok +-$/m);
  expect(await asked(`deliveries retry ${delivery}`)).toMatchObject({ eventId: published.id, endpointId: endpoint });
  await asked(`events resend ${before.id} --endpoint ${endpoint}`);
  const { out } = await posthorn(`deliveries list --event ${published.id} --json`);
  expect(out.map((line) => JSON.parse(line).endpointId)).toEqual([endpoint, endpoint]);
});

test('a list longer than a page is whole', async () => {
  await service.publish(300, 'cli.many');
  const { out } = await posthorn('events list --type cli.many --limit 280 --json');
  expect(new Set(out).size).toBe(280);
});

test('a recovery tells beforehand how much it is, and then its progress', async () => {
  const { id } = await service.endpoint(`${receiver.url}/recover`, { events: [] });
  const ids = await service.publish(5, 'cli.missed');
  await untilSettled(service, ids);
  await service.ok('PATCH', `/v1/endpoints/${id}`, { events: ['cli.missed'] });
  expect(await asked(`recover ${id} --since 1h --only missing --dry-run`)).toMatchObject({ dryRun: true, found: { added: 5 } });
  const ran = await posthorn(`recover ${id} --since 1h --only missing --rate 100`);
  expect(ran.code).toBe(0);
  expect(ran.err[0]).toMatch(/^job job_/);
  expect(ran.err.at(-1)).toMatch(/^COMPLETED {2}\d+ of \d+ \(100 %\)$/);
  expect(ran.out).toEqual(expect.arrayContaining([expect.stringMatching(/^status +COMPLETED$/)]));
  await until(() => receiver.received('/recover').length === 5, { what: 'what was missed' });
  const job = ran.err[0]!.slice(4);
  expect(await asked(`jobs get ${job} --wait`)).toMatchObject({ id: job, status: 'COMPLETED' });
  expect((await posthorn('jobs list')).out[1]).toMatch(new RegExp(`^${job} +recovery|^${job} `));
  expect(await posthorn(`jobs pause ${job}`)).toMatchObject({ code: 6 });
});

test('rules are tried with an event that happened, and with one that did not', async () => {
  const rule = await service.ok('POST', '/v1/rules', { name: 'A lead', events: ['process:*'], condition: { state: 'CONVERTED' }, endpointIds: [] });
  expect((await posthorn('rules list')).out.join('\n')).toMatch(new RegExp(`^${rule.id} +true +A lead +`, 'm'));
  const sample = JSON.stringify({ type: 'process:update', object: { state: 'CONVERTED' } });
  expect(await asked(`rules try ${rule.id}`, [], { stdin: sample })).toMatchObject({ results: [{ ruleId: rule.id, matches: true }] });
  const unsaved = ['--rule', '{"events":["process:*"],"condition":{"state":"LOST"}}'];
  expect((await posthorn('rules try', unsaved, { stdin: sample })).out).toEqual([expect.stringMatching(/^MATCHES +RULE +NAME +REASON$/), expect.stringMatching(/^false +- +- +\S/)]);
});

describe('what goes wrong is told in words, with an exit code', () => {
  test.each([
    ['the API is not there', 'events list --url http://127.0.0.1:2', {}, 3, /127\.0\.0\.1:2 can not be reached \(.*ECONNREFUSED.*\)/],
    ['no key', 'events list', { POSTHORN_KEY: '' }, 2, /API key is needed/],
    ['a wrong key', 'events list', { POSTHORN_KEY: 'phk_c4nary-c4nary-c4nary' }, 4, /key/i],
    ['a key that is none', 'events list', { POSTHORN_KEY: 'c4nary\nc4nary' }, 2, /a character that no key has/],
    ['an address that is none', 'events list --url localhost:3000', {}, 2, /--url must be/],
    ['nothing there', 'deliveries get dlv_01jb3m8zq4x7v2k9n5c6t0r1sw', {}, 5, /no delivery dlv_/],
    ['another workspace', 'events list --workspace nowhere', {}, 5, /nowhere/],
    ['a mistake', 'endpoints create http://x.example --events', {}, 6, /^[^\n]*events\.0[^\n]*$/],
    ['mistakes', 'endpoints create ftp://x --scope b!d --events', {}, 6, /\n {2}\S+: .*\n {2}\S+: /],
    ['a time that is none', 'recover ep_1 --since yesterday', {}, 2, /--since must be a time.*"yesterday"/],
    ['a bad limit', 'events list --limit 0', {}, 2, /--limit must be/],
  ] as const)('%s', async (_what, line, env, code, message) => {
    const more = line.endsWith('--events') ? ['a b'] : [];
    const ran = await posthorn(line, more, { env });
    expect(ran.err.join('\n')).toMatch(message);
    expect(ran).toMatchObject({ code, out: [] });
    expect(ran.err.join('\n')).not.toContain('c4nary');
    expect(ran.err.join('\n')).not.toContain(service.rootKey);
  });

  test('data that is no JSON is not sent', async () => {
    expect(await posthorn('events publish cli.bad', [], { stdin: '{' })).toMatchObject({ code: 2, err: [expect.stringContaining('standard input must be JSON'), expect.any(String)] });
  });
});

test('what others wrote can not drive the terminal', async () => {
  await service.ok('POST', '/v1/endpoints', { url: `${receiver.url}/evil`, name: 'red \u001b[31m \u009b31m \u202e' });
  const { out } = await run(['endpoints', 'list'], { env: { POSTHORN_URL: service.url(), POSTHORN_KEY: service.rootKey } });
  expect(out.join('\n')).toContain('red \ufffd[31m \ufffd31m \ufffd');
  expect(out.join('\n')).not.toMatch(/[\u001b\u009b\u202e]/);
});

test('a tail goes on where the API is away for a moment', async () => {
  // It keeps the address, which another process could have taken before the API is back.
  const proxy = await openChaosProxy(() => Number(new URL(service.url()).port));
  const tail = start(['events', 'tail', '--every', '50', '--last', '0'], { env: { POSTHORN_URL: proxy.through(service.url()), POSTHORN_KEY: service.rootKey } });
  await tail.ready;
  await service.api().kill('SIGTERM');
  await until(() => tail.err.length > 0, { what: 'the tail to say so' });
  expect(tail.err[0]).toMatch(/can not be reached.*trying again/);
  await service.startApi();
  const { id } = await asked('events publish cli.after', ['--data', '1']);
  await until(() => tail.out.some((line) => line.includes(id)), { what: 'the event in the tail' });
  tail.stop();
  expect(await tail.ended).toMatchObject({ code: 0 });
  await proxy.close();
});
