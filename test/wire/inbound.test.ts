import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { takeApart } from '../../src/api/take-apart';
import { DIALECT_NAMES, DIALECTS, type DialectName } from '../../src/domain/dialect';
import { type Event, INBOUND_RAW, inboundType } from '../../src/domain/event';
import { renderBody } from '../../src/wire/envelope';
import { checkHeader, requestHeaders } from '../../src/wire/request';
import { aCustomEvent } from '../domain/samples';
import { hubSignature, SAMPLE_MESSAGE } from '../support/whatsapp';

const SECRET = 'any string, even città';
const FROM_META = hubSignature(SAMPLE_MESSAGE, 'the app secret');
const AT = new Date('2025-08-27T19:17:58.000Z');

const raw = (data: string, signature: string | null = FROM_META): Event =>
  aCustomEvent(null, { type: INBOUND_RAW, data, received: { channelId: 'chn_1', signature } });
const headersOf = (dialect: DialectName, event: Event, secret: string | null = SECRET): Record<string, string> =>
  requestHeaders({ dialect, headers: {}, secrets: secret === null ? [] : [{ secret, expiresAt: null }] }, event, renderBody(dialect, event), AT);

test('the body of meta is what was received, byte for byte', () => {
  for (const body of [SAMPLE_MESSAGE, '{"2":1.0,"1":12345678901234567890,"a":"\\u00e9\\ud800","a":"☃ "}\r\n', ' null']) {
    expect(renderBody('meta', raw(body)).equals(Buffer.from(body))).toBe(true);
  }
});

test('the body of chakra-inbound is the event and the item with what belongs to it', () => {
  const [item] = takeApart(SAMPLE_MESSAGE);
  const event = aCustomEvent(null, { type: inboundType('message'), data: item?.data ?? '' });
  expect(renderBody('chakra-inbound', event).toString('utf8').replace(/\s+(?=[^"]*(?:"[^"]*"[^"]*)*$)/g, '')).toBe(
    '{"event":"message","payload":{"from":"919911223344","id":"wamid.HBgMOTEST3AxMjU4NDMzFQIAEhgUM0VCMDM3RjlEQTNDQTBEMjQ2Q275",'
    + '"timestamp":"1756322278","text":{"body":"Hi, can you please help me out with an issue"},"type":"text",'
    + '"metadata":{"display_phone_number":"917259775805","phone_number_id":"694794789348887"},'
    + '"contacts":[{"profile":{"name":"John"},"wa_id":"919911223344"}]}}',
  );
});

test('both are signed with the bare hex of HMAC-SHA256 over the body, as Node and Python make it', () => {
  const body = '{"città":"☃","escaped":"\\u2603"}';
  const expected = createHmac('sha256', SECRET).update(Buffer.from(body)).digest('hex');
  const python = 'import hashlib, hmac, os, sys\nprint(hmac.new(os.environ["SECRET"].encode(), sys.stdin.buffer.read(), hashlib.sha256).hexdigest())';
  expect(execFileSync('python3', ['-c', python], { input: body, encoding: 'utf8', env: { ...process.env, SECRET } }).trim()).toBe(expected);
  for (const dialect of ['meta', 'chakra-inbound'] as const) expect(headersOf(dialect, raw(body))['X-Chakra-Signature-256']).toBe(expected);
});

test('neither is signed before a secret is set', () => {
  for (const dialect of ['meta', 'chakra-inbound'] as const) {
    expect(Object.keys(headersOf(dialect, raw('{}', null), null)).sort()).toEqual(['accept-encoding', 'content-type', 'user-agent']);
    expect(DIALECTS[dialect].generatesSecret).toBe(false);
  }
});

test('the signature that was received goes along untouched where there was one, and to nobody but meta', () => {
  expect(headersOf('meta', raw(SAMPLE_MESSAGE))['X-Hub-Signature-256']).toBe(FROM_META);
  expect(headersOf('meta', raw(SAMPLE_MESSAGE, null))).not.toHaveProperty('X-Hub-Signature-256');
  for (const dialect of DIALECT_NAMES.filter((name) => name !== 'meta')) {
    expect(headersOf(dialect, raw(SAMPLE_MESSAGE), null)).not.toHaveProperty('X-Hub-Signature-256');
  }
});

test("an endpoint's own headers can not pretend to be that signature", () => {
  expect(checkHeader('X-Hub-Signature-256', FROM_META)).toBe('x-hub-signature-256 can not be set');
});
