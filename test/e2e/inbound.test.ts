import { chakraSignature } from '../support/checks';
import type { Received } from '../support/receiver';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';
import { change, hubSignature, message, notification, SAMPLE_MESSAGE } from '../support/whatsapp';

const APP_SECRET = "the app's secret";
const SECRET = 'shared with the receiver';

describe('what a channel receives', () => {
  const { service, receiver } = useService();
  let channelId: string;

  beforeAll(async () => {
    const meta = await service.endpoint(`${receiver.url}/meta`, { dialect: 'meta', secret: SECRET });
    const friendly = await service.endpoint(`${receiver.url}/friendly`, { dialect: 'chakra-inbound' });
    const named = await service.endpoint(`${receiver.url}/named`);
    await service.endpoint(`${receiver.url}/everything`, { events: ['*'] });
    await service.ok('POST', '/v1/rules', { name: 'read', events: ['inbound.status'], condition: { 'data.payload.status': 'read' }, endpointIds: [named.id] });
    await service.ok('POST', '/v1/rules', { name: 'all', events: ['*'], endpointIds: [named.id] });
    channelId = (await service.ok('POST', '/v1/channels', {
      kind: 'whatsapp', verifyToken: 'v', appSecret: APP_SECRET, passThroughEndpointId: meta.id, friendlyEndpointId: friendly.id, events: ['message', 'status'],
    })).id;
  });

  const post = async (body: string): Promise<number> =>
    (await service.call('POST', `/inbound/${channelId}`, body, { authorization: null, 'x-hub-signature-256': hubSignature(body, APP_SECRET) })).status;
  const arrived = (path: string, count: number): Promise<readonly Received[]> =>
    until(() => receiver.received(path).length >= count && receiver.received(path), { what: `${count} requests at ${path}` });
  const settled = async (): Promise<void> => {
    const events = await service.db.query<{ id: string }>({ text: 'select id from events where channel_id = $1', values: [channelId] });
    await untilSettled(service, events.map(({ id }) => id));
  };

  test('arrives at the pass-through endpoint byte for byte, with both signatures, and taken apart at the friendly one', async () => {
    expect(await post(SAMPLE_MESSAGE)).toBe(200);
    const [[whole], [part]] = await Promise.all([arrived('/meta', 1), arrived('/friendly', 1)]);
    expect(whole!.body).toBe(SAMPLE_MESSAGE);
    expect(whole!.headers).toMatchObject({
      'content-type': 'application/json', 'x-hub-signature-256': hubSignature(SAMPLE_MESSAGE, APP_SECRET), 'x-chakra-signature-256': chakraSignature(SAMPLE_MESSAGE, SECRET),
    });
    expect(part!.headers).not.toHaveProperty('x-chakra-signature-256');
    const { value } = JSON.parse(SAMPLE_MESSAGE).entry[0].changes[0];
    expect(JSON.parse(part!.body)).toEqual({ event: 'message', payload: { ...value.messages[0], metadata: value.metadata, contacts: value.contacts } });
  });

  test('arrives once, however often it came', async () => {
    const before = receiver.received('/meta').length;
    const body = message('wamid.repeated');
    expect([await post(body), await post(body), await post(body)]).toEqual([200, 200, 200]);
    await arrived('/meta', before + 1);
    await settled();
    expect(receiver.received('/meta').filter((request) => request.body === body)).toHaveLength(1);
    expect(receiver.received('/friendly').filter((request) => request.body.includes('wamid.repeated'))).toHaveLength(1);
  });

  test('goes by kind and by rules that name it; who asked for everything is not told', async () => {
    const body = notification(
      change('messages', { statuses: '[{"id":"s","status":"sent","n":12345678901234567890},{"id":"s","status":"read","t":"\\u00e9"}]' }),
      change('smb_message_echoes', { message_echoes: '[{"id":"echo"}]' }), change('message_template_status_update', { event: '"APPROVED"' }),
    );
    const [before, whole] = [receiver.received('/friendly').length, receiver.received('/meta').length];
    expect(await post(body)).toBe(200);
    await Promise.all([arrived('/friendly', before + 2), arrived('/meta', whole + 1), arrived('/named', 1)]);
    await settled();
    const friendly = receiver.received('/friendly').slice(before).map((request) => request.body).sort();
    expect(friendly.map((text) => /"status":"\w+"/.exec(text)?.[0])).toEqual(['"status":"read"', '"status":"sent"']);
    expect(friendly.join()).toContain('12345678901234567890');
    expect(friendly.join()).toContain('"t":"\\u00e9"');
    expect(receiver.received('/meta').at(-1)?.body).toBe(body);
    expect(receiver.received('/named')).toHaveLength(1);
    expect(JSON.parse(receiver.received('/named')[0]!.body)).toMatchObject({ type: 'inbound.status', data: { event: 'status', payload: { status: 'read' } } });
    expect(receiver.received('/everything')).toEqual([]);
  });

  test('may have 4 MiB', async () => {
    const before = receiver.received('/meta').length;
    const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [], filler: 'x'.repeat(4 * 1024 * 1024 - 100) });
    expect(await post(body)).toBe(200);
    await arrived('/meta', before + 1);
    expect(receiver.received('/meta').at(-1)?.body === body).toBe(true);
  });

  test('follows a change of the channel', async () => {
    await service.ok('PATCH', `/v1/channels/${channelId}`, { events: ['status'], passThroughEndpointId: null });
    const [whole, friendly] = [receiver.received('/meta').length, receiver.received('/friendly').length];
    expect(await post(notification(change('messages', { messages: '[{"id":"late"}]', statuses: '[{"id":"late","status":"sent"}]' })))).toBe(200);
    await arrived('/friendly', friendly + 1);
    await settled();
    expect(JSON.parse(receiver.received('/friendly').at(-1)!.body).event).toBe('status');
    expect([receiver.received('/meta').length, receiver.received('/friendly').length]).toEqual([whole, friendly + 1]);
  });
});
