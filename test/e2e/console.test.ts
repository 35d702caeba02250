import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { axeFaults, openBrowser } from '../support/browser';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

/** Where pictures of the pages are left, if anywhere. */
const PICTURES = process.env['POSTHORN_PICTURES'];
const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };
const XSS = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;

let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What went wrong in the page: faults, and what its policy refused. */
const faults: string[] = [];

const { service, receiver } = useService(async (later) => {
  browser = await openBrowser();
  later(() => browser.close());
  return {};
});
beforeAll(async () => {
  context = await browser.newContext({ viewport: WIDE, colorScheme: 'light' });
  context.setDefaultTimeout(15_000);
  page = await context.newPage();
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(service.url()) && !request.url().startsWith('data:')) faults.push(`asked elsewhere: ${request.url()}`);
    if (request.url().includes(service.rootKey)) faults.push('the key is in an address');
  });
}, 120_000);

const open = async (place: string): Promise<void> => {
  await page.goto(`${service.url()}/console#/${place}`);
  await page.locator('h1').first().waitFor();
};
const picture = async (name: string): Promise<void> => {
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
};
const endpointOf = async (path: string, body: object = {}): Promise<string> => (await service.endpoint(`${receiver.url}${path}`, { events: [], ...body })).id;
const ruleOf = (endpointId: string, type: string): Promise<unknown> => service.ok('POST', '/v1/rules', { name: `Rule of ${type}`, events: [type], condition: {}, endpointIds: [endpointId] });

test('a wrong key is refused in words, and the right one opens the overview, which says what to do first', async () => {
  await open('');
  await page.getByLabel('API key').fill('phk_this-key-is-not-one-of-ours');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: 'a key that was not revoked' }).waitFor();
  await picture('sign-in');
  await page.getByLabel('API key').fill(service.rootKey);
  await page.keyboard.press('Enter');
  await page.getByText('There is no endpoint yet').waitFor();
  await page.locator('.live.good').waitFor();
  expect(await page.evaluate('JSON.stringify(localStorage)')).toBe('{}');
});

test('a delivery appears without a reload, with its attempts, bodies and a command that makes it again', async () => {
  const endpointId = await endpointOf('/live', { name: 'Live' });
  await ruleOf(endpointId, 'order.made');
  receiver.willAnswer('/live', [{ status: 503, body: 'come back later' }]);
  await service.ok('PATCH', `/v1/endpoints/${endpointId}`, { policy: { retry: { delays: ['50ms', '50ms'], jitter: 0 } } });
  const { id } = await service.ok('POST', '/v1/events', { type: 'order.made', data: { order: "o'1" } });
  await page.getByRole('region', { name: 'The newest deliveries' }).getByText('delivered').first().waitFor();
  await open(`events/${id}`);
  await page.locator('.timeline summary .step').nth(1).waitFor();
  await page.locator('.timeline summary').first().click();
  await page.getByText('come back later').waitFor();
  await page.getByText('As a curl command').first().click();
  const command = await page.getByRole('region', { name: 'curl command' }).first().textContent();
  expect(command).toContain(`curl -i '${receiver.url}/live'`);
  expect(command).toContain(`o'\\''1`);
  expect(command).toContain('webhook-signature: ');
  await picture('event');
});

test('what comes without a pause appears where an answer takes longer than the pause between two of them, and is asked for once at a time', async () => {
  await ruleOf(await endpointOf('/steady'), 'steady');
  await service.publish(1, 'before.it');
  await open('events');
  await page.getByRole('row').nth(1).waitFor();
  let underWay = 0;
  let most = 0;
  await page.route('**/v1/events?*', async (route) => {
    most = Math.max(most, ++underWay);
    const answer = await route.fetch();
    setTimeout(() => {
      underWay -= 1;
      void route.fulfill({ response: answer }).catch(() => undefined);
    }, 1_500);
  });
  await until(async () => {
    await service.publish(1, 'steady');
    return (await page.getByRole('cell', { name: 'steady', exact: true }).count()) > 0;
  }, { what: 'a new row while more of them come', deadlineMs: 10_000 });
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  expect(most).toBe(1);
});

test('a page of older rows is added once however often it is asked for, and never to another list than its own', async () => {
  await service.publish(60, 'page.one');
  await service.publish(3, 'page.two');
  const types = (): Promise<string[]> => page.locator('tbody tr td:nth-child(2)').allTextContents();
  const asked: string[] = [];
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (go = resolve));
  await page.route(/\/v1\/events\?.*cursor=/, async (route) => {
    asked.push(route.request().url());
    if (asked.length > 1) await held;
    await route.continue();
  });
  await open('events?type=page.one');
  await page.getByRole('button', { name: 'Show more' }).dblclick();
  await until(async () => (await types()).length > 25);
  expect(asked).toHaveLength(1);
  expect(await types()).toHaveLength(50);

  await page.getByRole('button', { name: 'Show more' }).click();
  const late = page.waitForResponse((response) => response.url().includes('cursor='));
  await page.getByLabel('Type').fill('page.two');
  await page.getByLabel('Type').press('Enter');
  await until(async () => (await types()).join() === 'page.two,page.two,page.two');
  go();
  await (await late).finished();
  await page.evaluate('new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))');
  expect(await types()).toEqual(['page.two', 'page.two', 'page.two']);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('what is half typed into a filter stays while the list below it changes', async () => {
  await service.publish(1, 'typed.one');
  await open('events');
  await page.getByLabel('Type').fill('typed.t');
  const [eventId = ''] = await service.publish(1, 'typed.one');
  await page.getByText(eventId).first().waitFor();
  expect(await page.getByLabel('Type').inputValue()).toBe('typed.t');
  await page.getByLabel('Type').fill('');
});

test('an endpoint is deactivated and reactivated by keyboard alone, and what was held leaves', async () => {
  const endpointId = await endpointOf('/keys', { name: 'Keys' });
  await ruleOf(endpointId, 'keys.pressed');
  await open(`endpoints/${endpointId}`);
  await page.getByRole('button', { name: 'Deactivate', exact: true }).waitFor();
  await tabTo('Deactivate');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo('Deactivate');
  await page.keyboard.press('Enter');
  await page.locator('h1 .status.bad', { hasText: 'deactivated' }).waitFor();
  await service.publish(3, 'keys.pressed');
  await page.locator('[data-fact=held]', { hasText: /^3$/ }).waitFor();
  await tabTo('Reactivate and send 3 held');
  await page.keyboard.press('Enter');
  await page.locator('h1 .status.good', { hasText: 'active' }).waitFor();
  await until(() => receiver.received('/keys').length === 3);
  await page.locator('[data-fact=held]', { hasText: /^0$/ }).waitFor();
});

test('what an endpoint missed is recovered with progress, and a test call tells what came of it', async () => {
  const endpointId = await endpointOf('/recover', { name: 'Recover', policy: { retry: { delays: [] } } });
  await ruleOf(endpointId, 'to.recover');
  receiver.willAnswer('/recover', Array.from({ length: 5 }, () => 500));
  await untilSettled(service, await service.publish(5, 'to.recover'));
  await open(`endpoints/${endpointId}`);
  await page.getByRole('button', { name: 'How much is that?' }).click();
  await page.getByText(/^5 deliveries/).waitFor();
  await page.getByRole('button', { name: 'Recover', exact: true }).click();
  await page.locator('.job .status.good', { hasText: 'completed' }).waitFor();
  expect(await page.getByText(/5 of 5: 5 resent/).count()).toBe(1);
  await until(() => receiver.received('/recover').length === 10);
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.getByText('Test:').waitFor();
  await picture('endpoint');
  await open('jobs');
  await page.locator('.job progress').first().waitFor();
  await picture('jobs');
});

test('a rule is tried on recent events while it is written, and saved', async () => {
  await endpointOf('/rule', { name: 'Rule' });
  for (const state of ['NEW', 'CONVERTED']) await service.ok('POST', '/v1/processes', { type: 'lead', state, attributes: { city: 'Graz' } });
  await open('rules/new');
  await page.getByLabel('Name').fill('Converted leads');
  await page.getByRole('textbox', { name: /^Events/ }).fill('process:*');
  await page.getByRole('status').filter({ hasText: /^1 of \d+ match$/ }).waitFor();
  await page.getByLabel('Condition').fill('{ "stat');
  await page.getByText('The condition is not JSON').waitFor();
  await page.getByLabel('Condition').fill('{ "attributes.city": "Graz" }');
  await page.getByRole('status').filter({ hasText: /^2 of \d+ match$/ }).waitFor();
  await picture('rule');
  await page.getByLabel('Condition').fill('{ "state": { "$gtt": 1 } }');
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Condition').fill('{ "state": "CONVERTED" }');
  await page.getByRole('status').filter({ hasText: /^1 of \d+ match$/ }).waitFor();
  await page.getByRole('checkbox', { name: 'Rule', exact: true }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Converted leads' }).waitFor();
  const ofName = async (): Promise<unknown[]> => (await service.ok('GET', '/v1/rules?limit=250')).data.filter(({ name }: { name: string }) => name === 'Converted leads');
  expect(await ofName()).toMatchObject([{ condition: { state: 'CONVERTED' } }]);

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave it' }).click();
  expect(await ofName()).toHaveLength(1);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Rules' }).waitFor();
  expect(await ofName()).toHaveLength(0);
});

test('an event is tried with a rule once, however many come after it', async () => {
  await service.publish(1, 'tried');
  const tried: string[] = [];
  const count = (request: Request): void => void (request.url().endsWith('/v1/rules/try') && tried.push(request.postData() ?? ''));
  page.on('request', count);
  await open('rules/new');
  await page.getByRole('textbox', { name: /^Events/ }).fill('tried');
  await page.getByLabel('Condition').fill('{}');
  const matching = (number: number) => page.getByRole('status').filter({ hasText: new RegExp(`^${number} of \\d+ match$`) }).waitFor();
  await matching(1);
  await service.publish(2, 'tried');
  await matching(3);
  page.off('request', count);
  expect(tried.length).toBeGreaterThan(2);
  expect(new Set(tried).size).toBe(tried.length);
});

test('a transformation is tried on an event while it is written, saved, and taken away', async () => {
  const endpointId = await endpointOf('/shape', { name: 'Shape' });
  await service.ok('POST', '/v1/events', { type: 'shape.made', data: { note: 'Graz' } });
  await open(`endpoints/${endpointId}`);
  await page.getByRole('button', { name: 'Write one' }).click();
  await page.getByLabel('Tried on').selectOption({ index: 1 });
  const made = page.getByRole('region', { name: 'The transformed body' });
  await made.filter({ hasText: '"shape.made"' }).waitFor();
  await page.getByLabel('Expression').fill('{ "text": data.note & "');
  await page.locator('.fault', { hasText: 'No body:' }).waitFor();
  await page.getByLabel('Expression').fill('{ "text": data.note & "!" }');
  await made.filter({ hasText: '"text": "Graz!"' }).waitFor();
  await picture('transform');
  await page.getByRole('button', { name: 'Save transformation' }).click();
  await page.getByRole('button', { name: 'Remove transformation' }).waitFor();
  expect((await service.ok('GET', `/v1/endpoints/${endpointId}`)).transform).toEqual({ language: 'jsonata', expression: '{ "text": data.note & "!" }', enabled: true });
  await page.getByLabel('Expression').fill('$now()');
  await page.getByRole('button', { name: 'Save transformation' }).click();
  await page.getByRole('alert').filter({ hasText: '$now' }).first().waitFor();
  await page.getByRole('button', { name: 'Remove transformation' }).click();
  await page.getByRole('button', { name: 'Write one' }).waitFor();
  expect((await service.ok('GET', `/v1/endpoints/${endpointId}`)).transform).toBeNull();
});

test('an endpoint says how it is authenticated, and keeps the secret to itself', async () => {
  const endpointId = await endpointOf('/auth', { name: 'Auth', auth: { type: 'basic', username: 'caller', password: 'wr0ng-h0rse' } });
  await open(`endpoints/${endpointId}`);
  const card = page.locator('section.card', { hasText: 'Authentication' });
  await card.getByText('caller').waitFor();
  expect(await card.textContent()).toMatch(/basic.*Password\[redacted\].*Client certificatenone/);
});

test('the catalogue shows the types of event, and one with its schema and a sample', async () => {
  const schema = { type: 'object', required: ['paid'], properties: { paid: { type: 'number' } } };
  await service.ok('PUT', '/v1/event-types/bill.paid', { description: 'A bill was paid.', schema, enforce: 'reject', example: { paid: 12.5 } });
  await open('event-types');
  await page.getByRole('link', { name: 'process:state-change' }).waitFor();
  expect(await page.getByRole('row').filter({ hasText: 'bill.paid' }).textContent()).toBe('bill.paidcustomrejectA bill was paid.');
  await page.getByRole('link', { name: 'bill.paid' }).click();
  expect(JSON.parse((await page.getByRole('region', { name: 'Schema' }).textContent()) ?? '')).toEqual(schema);
  expect(JSON.parse((await page.getByRole('region', { name: 'Sample' }).textContent()) ?? '')).toEqual({ paid: 12.5 });
});

test('whatever names, bodies and answers say stays text', async () => {
  const endpointId = await endpointOf('/xss', { name: XSS, metadata: { note: XSS }, policy: { retry: { delays: [] } } });
  await service.ok('POST', '/v1/rules', { name: XSS, events: ['xss'], condition: {}, endpointIds: [endpointId] });
  receiver.willAnswer('/xss', [{ status: 500, body: XSS, headers: { 'x-note': XSS } }]);
  const { id } = await service.ok('POST', '/v1/events', { type: 'xss', data: { note: XSS } });
  await service.ok('POST', '/v1/records', { type: 'customer', primaryKey: XSS, attributes: { [XSS]: XSS } });
  await untilSettled(service, [id]);
  for (const place of ['', 'endpoints', `endpoints/${endpointId}`, 'rules', `events/${id}`, `objects?kind=record`, `events?type=${encodeURIComponent(XSS)}`]) {
    await open(place);
    if (place.startsWith('events/')) await page.locator('.timeline summary').first().click();
    if (!place.startsWith('events?')) await page.getByText('<script>').first().waitFor();
    expect([place, await page.locator('main img, main script').count(), await page.title()]).toEqual([place, 0, expect.not.stringContaining('broken')]);
  }
});

test('every page is usable for all: in light and dark, wide and on a phone, without an overflow', async () => {
  const [endpoint] = (await service.ok('GET', '/v1/endpoints?limit=250')).data.filter(({ name }: { name: string }) => name === 'Live');
  const [event] = (await service.ok('GET', '/v1/events?type=order.made')).data;
  const [process] = (await service.ok('GET', '/v1/processes?limit=1')).data;
  const places = ['', 'events', `events/${event.id}`, 'endpoints', `endpoints/${endpoint.id}`, 'rules', 'rules/new', 'objects', `objects/process/${process.id}`, 'jobs', 'event-types', 'event-types/process:state-change'];
  for (const [look, viewport, colorScheme] of [['light', WIDE, 'light'], ['dark', WIDE, 'dark'], ['phone', PHONE, 'light']] as const) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    for (const place of places) {
      await open(place);
      await page.locator('main table, main .job, main form, main .timeline, main .columns').first().waitFor();
      expect([look, place, await axeFaults(page)]).toEqual([look, place, []]);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect([look, place, overflow]).toEqual([look, place, 0]);
      await picture(`${look}-${place.split('/').map((part) => part.slice(0, 9)).join('-') || 'overview'}`);
    }
  }
}, 120_000);

test('a stream that is refused when it comes back leads to the door', async () => {
  const refused = await context.newPage();
  let streams = 0;
  await refused.route('**/v1/stream', (route) => (++streams === 1
    ? route.fulfill({ status: 200, contentType: 'text/event-stream', body: ': it ends at once\n\n' })
    : route.fulfill({ status: 401, contentType: 'application/problem+json', body: '{ "status": 401 }' })));
  await refused.goto(`${service.url()}/console`);
  await refused.getByLabel('API key').fill(service.rootKey);
  await refused.keyboard.press('Enter');
  await refused.getByText('This key is good no longer.').waitFor();
  expect(streams).toBe(2);
  await refused.close();
});

test('a key that is revoked leads back to the door, and nothing of all this broke the policy of the page', async () => {
  await page.setViewportSize(WIDE);
  const { id, key } = await service.ok('POST', '/v1/api-keys', { name: 'short', role: 'read' });
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.live.good').waitFor();
  await service.ok('DELETE', `/v1/api-keys/${id}`);
  await page.getByText('This key is good no longer.').waitFor();
  expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}');
  expect(faults).toEqual([]);
});

/** Goes on by Tab until a button of this name has the focus. */
async function tabTo(name: string): Promise<void> {
  const focused = (): Promise<string> => page.evaluate("document.activeElement.tagName === 'BUTTON' ? document.activeElement.textContent : ''");
  for (let steps = 0; steps < 60; steps += 1) {
    if ((await focused()) === name) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`No button ${name} was reached by Tab`);
}
