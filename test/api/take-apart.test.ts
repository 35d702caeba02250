import fc from 'fast-check';
import { takeApart } from '../../src/api/take-apart';
import { change, notification, SAMPLE_MESSAGE } from '../support/whatsapp';

const METADATA = '"metadata":{"display_phone_number":"917259775805","phone_number_id":"694794789348887"}';
const dataOf = (json: string): string[] => takeApart(json).map(({ data }) => data);

describe('what is taken out of a notification', () => {
  test('is its message as it was written, with the metadata and its contact at its end', () => {
    expect(dataOf(SAMPLE_MESSAGE)).toEqual([`{"event":"message","payload":{
                "from": "919911223344",
                "id": "wamid.HBgMOTEST3AxMjU4NDMzFQIAEhgUM0VCMDM3RjlEQTNDQTBEMjQ2Q275",
                "timestamp": "1756322278",
                "text": {
                  "body": "Hi, can you please help me out with an issue"
                },
                "type": "text"
              ,"metadata":{
              "display_phone_number": "917259775805",
              "phone_number_id": "694794789348887"
            },"contacts":[{
                "profile": {
                  "name": "John"
                },
                "wa_id": "919911223344"
              }]}}`]);
  });

  test('is each message, status and echo of all changes of all entries, in their order', () => {
    const one = notification(
      change('messages', { messages: '[{"id":"m1"},{"id":"m2"}]', statuses: '[{"id":"m0","status":"sent"}]' }),
      change('message_echoes', { message_echoes: '[{"id":"e1"}]' }),
    );
    const two = notification(change('smb_message_echoes', { message_echoes: '[{"id":"s1"}]' }));
    const both = `{"entry":${JSON.stringify([...JSON.parse(one).entry, ...JSON.parse(two).entry])}}`;
    expect(takeApart(both).map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      'message m1', 'message m2', 'status sent:m0', 'message_echo e1', 'smb_message_echo s1',
    ]);
  });

  test('is a status without contacts, since those that Meta sends have none', () => {
    const status = '{"id":"wamid.1","status":"delivered","timestamp":"1756322280","recipient_id":"919911223344"}';
    expect(dataOf(notification(change('messages', { statuses: `[${status}]` })))).toEqual([
      `{"event":"status","payload":${status.slice(0, -1)},${METADATA}}}`,
    ]);
  });

  test('names the contact whose wa_id is that of the other end, or the only one', () => {
    const [john, jane] = ['{"wa_id":"1"}', '{"wa_id":"2"}'];
    const contactsOf = (contacts: string, item: string): unknown => {
      const [data = '{}'] = dataOf(notification(change('messages', { contacts, messages: `[${item}]` })));
      return JSON.parse(data).payload.contacts;
    };
    expect(contactsOf(`[${john},${jane}]`, '{"id":"m","from":"2"}')).toEqual([{ wa_id: '2' }]);
    expect(contactsOf(`[${john}]`, '{"id":"m","from":"5511"}')).toEqual([{ wa_id: '1' }]);
    expect(contactsOf(`[${john},${jane}]`, '{"id":"m","from":"3"}')).toBeUndefined();
    expect(contactsOf('[]', '{"id":"m","from":"3"}')).toBeUndefined();
    const [echo = '{}'] = dataOf(notification(change('smb_message_echoes', { contacts: `[${john},${jane}]`, message_echoes: '[{"id":"e","from":"1","to":"2"}]' })));
    expect(JSON.parse(echo).payload.contacts).toEqual([{ wa_id: '2' }]);
  });

  test('keeps digits, escapes, white space and the order of keys', () => {
    const item = '{ "b" : 1.50, "2": 12345678901234567890, "1":"\\u00e9\\ud83d\\ude00 \\u0000 \\ud800 ☃", "id":"m" }';
    expect(dataOf(notification(change('messages', { messages: `[ ${item} ]` })))).toEqual([
      `{"event":"message","payload":${item.slice(0, -1)},${METADATA}}}`,
    ]);
  });

  test('adds to an empty item too, and leaves the metadata and contacts of its own', () => {
    expect(dataOf(notification(change('messages', { messages: '[{}]' })))).toEqual([`{"event":"message","payload":{${METADATA}}}`]);
    const own = '{"id":"m","metadata":1,"contacts":2}';
    expect(dataOf(notification(change('messages', { contacts: '[{"wa_id":"1"}]', messages: `[${own}]` })))).toEqual([`{"event":"message","payload":${own}}`]);
  });

  test.each([
    ['templates', notification(change('message_template_sends', { message_template_sends: '[{"id":"t"}]' }))],
    ['an echo under a field of messages', notification(change('messages', { message_echoes: '[{"id":"t"}]' }))],
    ['items that are no objects', notification(change('messages', { messages: '[1,"x",null,[]]' }))],
    ['a list that is none', notification(change('messages', { messages: '{"id":"m"}' }))],
    ['a value that is no object', '{"entry":[{"changes":[{"field":"messages","value":[]}]}]}'],
    ['changes without a field', '{"entry":[{"changes":[{"value":{"messages":[{"id":"m"}]}}]}]}'],
    ['no entries', '{"object":"whatsapp_business_account"}'], ['a list', '[]'], ['a number', '5'], ['a text', '"entry"'], ['null', 'null'],
  ])('is nothing of %s', (_what, json) => {
    expect(takeApart(json)).toEqual([]);
  });

  test('has a key that tells it from the others, and that can always be stored', () => {
    const keys = (list: string, ...items: string[]): string[] =>
      takeApart(notification(change('messages', { [list]: `[${items.join(',')}]` }))).map(({ key }) => key);
    const all = [
      ...keys('messages', '{"id":"a"}', '{"id":"a "}', '{"id":"\\u0000"}', '{"id":"\\ud800"}', `{"id":"${'x'.repeat(5_000)}"}`, '{"text":1}', '{"text":2}'),
      ...keys('statuses', '{"id":"a","status":"sent"}', '{"id":"a","status":"read"}', '{"id":"a"}', '{"id":"a:b","status":"sent"}', '{"id":"b","status":"sent:a"}'),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all.filter((key) => !/^[!-~]{1,200}$/.test(key))).toEqual([]);
    expect(all.slice(7, 9)).toEqual(['sent:a', 'read:a']);
  });

  test('may not come to much more than the notification', () => {
    const metadata = `{"x":"${'x'.repeat(1_000_000)}"}`;
    const json = `{"entry":[{"changes":[{"field":"messages","value":{"metadata":${metadata},"messages":[${Array.from({ length: 40 }, () => '{}').join(',')}]}}]}]}`;
    expect(() => takeApart(json)).toThrow('The items of the body come to more than 33554432 characters.');
  });

  test('may be at most 10,000 items', () => {
    const ofItems = (count: number): string => notification(change('messages', { statuses: `[${Array.from({ length: count }, () => '{}').join(',')}]` }));
    expect(takeApart(ofItems(10_000))).toHaveLength(10_000);
    expect(() => takeApart(ofItems(10_001))).toThrow('The body holds more than 10000 messages, statuses and echoes.');
  });

  test('is what a parser would find, whatever stands in the items and however it is written', () => {
    const items = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxLength: 4 });
    const space = fc.constantFrom(undefined, 1, '\t');
    fc.assert(fc.property(items, items, fc.jsonValue(), space, (messages, statuses, metadata, indent) => {
      const body = { entry: [{ changes: [{ value: { metadata, messages, statuses }, field: 'messages' }] }] };
      const json = JSON.stringify(body, null, indent);
      const parsed = JSON.parse(json).entry[0].changes[0].value as { metadata: unknown; messages: object[]; statuses: object[] };
      const expected = [
        ...parsed.messages.map((item) => ({ event: 'message', payload: { metadata: parsed.metadata, ...item } })),
        ...parsed.statuses.map((item) => ({ event: 'status', payload: { metadata: parsed.metadata, ...item } })),
      ];
      expect(dataOf(json).map((data) => JSON.parse(data) as unknown)).toEqual(expected);
    }));
  });
});
