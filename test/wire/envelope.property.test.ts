import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { announce } from '../../src/domain/change';
import { DIALECT_NAMES, DIALECTS, type DialectName } from '../../src/domain/dialect';
import type { EnvelopeFacts } from '../../src/domain/envelope-facts';
import type { Event } from '../../src/domain/event';
import { FAMILIES, type FamilyName } from '../../src/domain/family';
import type { Json, JsonObject } from '../../src/domain/json';
import type { TrackedObject } from '../../src/domain/object';
import { renderBody } from '../../src/wire/envelope';
import { requestHeaders } from '../../src/wire/request';
import { verifyChakra } from '../../src/wire/sign';

const AT = new Date('2025-11-04T09:30:00.123Z');
const SECRETS: Readonly<Record<string, string>> = {
  'standard-webhooks': `whsec_${randomBytes(32).toString('base64')}`, 'chakra-sha256': 'any string',
};
const facts = (attemptNumber: number): EnvelopeFacts =>
  ({ attemptNumber, firstSentAt: AT, delivered: null, verifyToken: 'a "token" ☃', fileLink: ({ fileId }) => `/files/${fileId}` });

/** Any JSON object as a request may bring it: text of any planes, keys of any kind but `__proto__`, no null at the top. */
const anyAttributes = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }).filter((value) => value !== null))
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
  .filter((value) => !Object.hasOwn(value, '__proto__'));

const objectWith = (attributes: JsonObject, parts: Partial<TrackedObject> = {}): TrackedObject => ({
  id: 'rec_1', workspaceId: 'wsp_1', kind: 'record', type: 'contact', primaryKey: null, recordId: null, processId: null, state: null, status: null,
  attributes, version: 1, sequence: 1, createdAt: AT, updatedAt: AT, ...parts,
});

const eventOf = (parts: Partial<Event>): Event => ({
  id: 'evt_01jb3m8zq4x7v2k9n5c6t0r1sw', workspaceId: 'wsp_1', externalId: null, type: 'record:create', sequence: 1, causedBy: null, objectKind: 'record',
  objectId: 'rec_1', object: null, previous: null, changes: null, data: null, actor: null, occurredAt: AT, createdAt: AT, ...parts,
});

function creationOf(object: TrackedObject): Event {
  const change = announce(null, object);
  return eventOf({
    type: change!.types[0]!, objectKind: object.kind, objectId: object.id,
    object: JSON.stringify(change!.object), previous: JSON.stringify(change!.previous), changes: JSON.stringify(change!.changes),
  });
}

function familyEvent(family: FamilyName, after: TrackedObject): Event {
  const [made] = FAMILIES.find(({ name }) => name === family)!.eventsOf({ before: null, after, process: after, actor: null });
  return { ...creationOf(after), type: made!.type, causedBy: 'evt_0', data: JSON.stringify(made!.data) };
}

/** For each dialect an event that holds these attributes, and where a receiver finds them. */
const TOLD: Readonly<Partial<Record<DialectName, { event: (attributes: JsonObject) => Event; find: (body: never) => Json }>>> = {
  standard: { event: (attributes) => creationOf(objectWith(attributes)), find: (body: { data: { object: { attributes: Json } } }) => body.data.object.attributes },
  chakra: { event: (attributes) => creationOf(objectWith(attributes)), find: (body: { object: { attributes: Json } }) => body.object.attributes },
  chative: { event: (attributes) => creationOf(objectWith(attributes)), find: (body: { items: { data: Json }[] }) => body.items[0]!.data },
  spektr: {
    event: (attributes) => familyEvent('spektr', objectWith({ processName: attributes }, { kind: 'process', type: 'run', status: 'OPEN' })),
    find: (body: { data: { processName: Json } }) => body.data.processName,
  },
  flow: {
    event: (attributes) => familyEvent('flow', objectWith({ data: attributes }, { kind: 'process', type: 'flow', status: 'OPEN' })),
    find: (body: { data: Json }) => body.data,
  },
  'chakra-inbound': { event: (attributes) => eventOf({ data: JSON.stringify(attributes) }), find: (body: Json) => body },
  meta: { event: (attributes) => eventOf({ data: JSON.stringify(attributes) }), find: (body: Json) => body },
};

describe.each(DIALECT_NAMES)('%s', (name) => {
  const { event: eventFrom, find } = TOLD[name]!;

  test('a body says what the attributes were, its signature fits, and it is the same bytes each time', () => {
    fc.assert(fc.property(anyAttributes, (attributes) => {
      const event = eventFrom(attributes);
      const body = renderBody(name, event, facts(1));
      expect(find(JSON.parse(body.toString('utf8')) as never)).toEqual(attributes);
      expect(renderBody(name, event, facts(1)).equals(body)).toBe(true);
      if (name !== 'chative') expect(renderBody(name, event, facts(2)).equals(body)).toBe(true);

      const { signature } = DIALECTS[name];
      const now = new Date();
      const secret = SECRETS[signature];
      const headers = requestHeaders({ dialect: name, headers: {}, secrets: secret === undefined ? [] : [{ secret, expiresAt: null }] }, event, body, now);
      if (signature === 'standard-webhooks') expect(() => new Webhook(secret!).verify(body, headers)).not.toThrow();
      if (signature === 'chakra-sha256') expect(verifyChakra(headers['X-Chakra-Signature-256'], body, secret!).valid).toBe(true);
      if (signature === 'none') expect(Object.keys(headers).sort()).toEqual(['accept-encoding', 'content-type', 'user-agent']);
    }), { numRuns: 200 });
  });

  test('any event gives a body: nothing that is sent by hand or again makes it fail', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.boolean(), (value, isCustom) => {
      const event = isCustom ? eventOf({ type: 'process_run_end', data: JSON.stringify(value), objectKind: null, objectId: null })
        : creationOf(objectWith({ value: (value ?? 0) as Json }, { kind: 'process', type: 'lead', status: 'OPEN' }));
      expect(() => JSON.parse(renderBody(name, event, facts(1)).toString('utf8')) as unknown).not.toThrow();
    }), { numRuns: 100 });
  });
});
