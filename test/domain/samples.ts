import type { Event } from '../../src/domain/event';
import { type Facts, factsOf } from '../../src/domain/facts';
import type { Json, JsonObject } from '../../src/domain/json';
import type { TrackedObject } from '../../src/domain/object';
import type { Rule } from '../../src/domain/rule';
import type { RoutedEndpoint } from '../../src/domain/rule-set';

const AT = new Date('2026-01-02T03:04:05.678Z');

/** A process:state-change of a lead in Pune; parts are given as they are stored. */
export const anEvent = (parts: Partial<Event> = {}): Event => ({
  id: 'evt_01', workspaceId: 'wsp_1', externalId: null, type: 'process:state-change', sequence: 7, causedBy: null,
  objectKind: 'process', objectId: 'prc_01',
  object: '{"id":"prc_01","kind":"process","type":"lead","primaryKey":null,"recordId":null,"state":"CONVERTED","status":"OPEN",'
    + '"attributes":{"city":"Pune","amount":500},"version":3,"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-02T00:00:00.000Z"}',
  previous: '{"state":"NEW","attributes":{"amount":400}}',
  changes: '["state","attributes.amount"]',
  data: null, actor: '{"userId":"u-1"}', occurredAt: AT, createdAt: AT,
  ...parts,
});

/** A custom event of no object. */
export const aCustomEvent = (data: Json, parts: Partial<Event> = {}): Event => anEvent({
  type: 'order.paid', sequence: null, objectKind: null, objectId: null, object: null, previous: null, changes: null, actor: null,
  data: JSON.stringify(data), ...parts,
});

/** Facts of an event whose object has these attributes. */
export const factsWith = (attributes: JsonObject): Facts => factsOf(anEvent({ object: JSON.stringify({ type: 'lead', attributes }) }));

export const anObject = (parts: Partial<TrackedObject> = {}): TrackedObject => ({
  id: 'prc_01', workspaceId: 'wsp_1', kind: 'process', type: 'lead', primaryKey: null, recordId: null, processId: null,
  state: 'NEW', status: 'OPEN', attributes: {}, version: 1, sequence: 1, createdAt: AT, updatedAt: AT,
  ...parts,
});

export const aRule = (parts: Partial<Rule>): Rule => ({
  id: 'rul_1', workspaceId: 'wsp_1', name: 'a rule', events: ['*'], condition: {}, endpointIds: ['ep_1'], enabled: true,
  createdAt: AT, updatedAt: AT,
  ...parts,
});

export const anEndpoint = (id: string, parts: Partial<RoutedEndpoint> = {}): RoutedEndpoint =>
  ({ id, dialect: 'standard', events: [], scope: null, ...parts });
