import { randomBytes } from 'node:crypto';
import type { Event } from '../../src/domain/event';
import { renderBody } from '../../src/wire/envelope';

const AT = new Date('2025-11-04T09:30:00.123Z');
const LATER = new Date('2025-11-04T09:30:01.000Z');

const lifecycle: Event = {
  id: 'evt_1', workspaceId: 'wsp_1', externalId: null, type: 'process:state-change', sequence: 3, causedBy: null, objectKind: 'process', objectId: 'prc_1',
  object: '{"id":"prc_1","attributes":{"b":1.0,"2":"☃","1":12345678901234567890}}', previous: '{"state":"NEW"}', changes: '["state"]', data: null,
  actor: '{"userId":"u1"}', occurredAt: AT, createdAt: LATER,
};
const custom: Event = {
  ...lifecycle, type: 'invoice.paid', externalId: 'a "quoted" \\ id', sequence: null, objectKind: null, objectId: null, object: null, previous: null, changes: null,
  actor: null, data: '{ "z": 1.0,\n  "1": 1e2, "text": "\\u00e9𝄞" }',
};

test('standard, a lifecycle event: what changed, and JSON as it is stored', () => {
  expect(renderBody('standard', lifecycle).toString()).toBe(
    '{"id":"evt_1","type":"process:state-change","timestamp":"2025-11-04T09:30:00.123Z","data":{"objectKind":"process","objectId":"prc_1","sequence":3,' +
    '"object":{"id":"prc_1","attributes":{"b":1.0,"2":"☃","1":12345678901234567890}},"previous":{"state":"NEW"},"changes":["state"]}}',
  );
});

test('standard, a custom event: the posted data byte for byte', () => {
  expect(renderBody('standard', custom).toString()).toBe(
    `{"id":"evt_1","type":"invoice.paid","timestamp":"2025-11-04T09:30:00.123Z","data":${custom.data ?? ''}}`,
  );
});

test('chakra: the whole event but what changes while it is delivered, and never the workspace', () => {
  expect(renderBody('chakra', lifecycle).toString()).toBe(
    '{"id":"evt_1","externalId":null,"type":"process:state-change","sequence":3,"causedBy":null,"objectKind":"process","objectId":"prc_1",' +
    '"object":{"id":"prc_1","attributes":{"b":1.0,"2":"☃","1":12345678901234567890}},"previous":{"state":"NEW"},"changes":["state"],"data":null,' +
    '"actor":{"userId":"u1"},"occurredAt":"2025-11-04T09:30:00.123Z","createdAt":"2025-11-04T09:30:01.000Z"}',
  );
  expect(JSON.parse(renderBody('chakra', custom).toString())).toMatchObject({ externalId: custom.externalId, sequence: null, object: null, data: { z: 1 } });
});

test('the same event gives the same bytes, and what is written is UTF-8', () => {
  const text = `"${randomBytes(8).toString('hex')}☃𝄞"`;
  for (const dialect of ['standard', 'chakra'] as const) {
    const body = renderBody(dialect, { ...custom, data: text });
    expect(body.equals(renderBody(dialect, { ...custom, data: text }))).toBe(true);
    expect(body.includes(Buffer.from(text, 'utf8'))).toBe(true);
  }
});
