import fc from 'fast-check';
import { announce, applyPatch, mergeAttributes } from '../../src/domain/change';
import { jsonEqual, type Json, type JsonObject } from '../../src/domain/json';
import { OBJECT_KINDS, type ObjectPatch, presentObject, type TrackedObject } from '../../src/domain/object';
import { anObject } from './samples';

const NOW = new Date('2026-05-01T00:00:00.000Z');

const parsed = (text: string): JsonObject => JSON.parse(text) as JsonObject;

describe('what a change announces', () => {
  test.each(OBJECT_KINDS)('a new %s is created, and nothing else is said of it', (kind) => {
    const object = anObject({ kind, attributes: { tags: ['vip'] } });
    expect(announce(null, object)).toEqual({ types: [`${kind}:create`], object: presentObject(object), previous: {}, changes: [] });
  });

  test.each(OBJECT_KINDS)('a %s that is gone is deleted, as it was last', (kind) => {
    const object = anObject({ kind, attributes: { tags: ['vip'] } });
    expect(announce(object, null)).toEqual({ types: [`${kind}:delete`], object: presentObject(object), previous: {}, changes: [] });
  });

  test('a change of nothing announces nothing', () => {
    const object = anObject({ attributes: { a: { x: 1, y: 2 } } });
    expect(announce(object, object)).toBeNull();
    expect(announce(object, { ...object, attributes: { a: { y: 2, x: 1 } } })).toBeNull();
    expect(announce(object, { ...object, version: 2, sequence: 9, updatedAt: NOW })).toBeNull();
    expect(announce(null, null)).toBeNull();
  });

  const before = anObject({ state: 'NEW', status: 'OPEN', attributes: { a: 1, b: 2 } });

  test.each<[string, Partial<TrackedObject>, string[], JsonObject, string[]]>([
    ['a state', { state: 'WON' }, ['process:update', 'process:state-change'], { state: 'NEW' }, ['state']],
    ['a state to null', { state: null }, ['process:update', 'process:state-change'], { state: 'NEW' }, ['state']],
    ['a status', { status: 'COMPLETED' }, ['process:update', 'process:state-change'], { status: 'OPEN' }, ['status']],
    ['an attribute', { attributes: { a: 1, b: 3 } }, ['process:update'], { attributes: { b: 2 } }, ['attributes.b']],
    ['a new attribute', { attributes: { a: 1, b: 2, c: 3 } }, ['process:update'], { attributes: {} }, ['attributes.c']],
    ['an attribute that is gone', { attributes: { a: 1 } }, ['process:update'], { attributes: { b: 2 } }, ['attributes.b']],
    ['all of it', { state: 'WON', status: 'COMPLETED', attributes: { b: 5, c: 1 } }, ['process:update', 'process:state-change'],
      { state: 'NEW', status: 'OPEN', attributes: { a: 1, b: 2 } }, ['state', 'status', 'attributes.a', 'attributes.b', 'attributes.c']],
  ])('%s of a process', (_, parts, types, previous, changes) => {
    const after = { ...before, ...parts };
    expect(announce(before, after)).toEqual({ types, object: presentObject(after), previous, changes });
  });

  test('a status of a task is an update, not a change of state', () => {
    const task = anObject({ kind: 'task', state: null });
    expect(announce(task, { ...task, status: 'DONE' })).toMatchObject({ types: ['task:update'], previous: { status: 'OPEN' }, changes: ['status'] });
  });

  test('an attribute of a record is an update', () => {
    const record = anObject({ kind: 'record', state: null, status: null });
    expect(announce(record, { ...record, attributes: { a: null } })).toMatchObject({ types: ['record:update'], previous: { attributes: {} }, changes: ['attributes.a'] });
  });
});

describe('a patch', () => {
  test('merges attributes by key, removes where it is null, and counts the version up', () => {
    const object = anObject({ attributes: { a: { x: 1 }, b: 2 }, version: 4 });
    expect(applyPatch(object, { attributes: { a: { y: 2 }, b: null, c: [] }, state: 'WON', status: 'CANCELLED' }, NOW)).toEqual({
      ...object, attributes: { a: { y: 2 }, c: [] }, state: 'WON', status: 'CANCELLED', version: 5, updatedAt: NOW,
    });
  });

  test.each<[string, ObjectPatch]>([
    ['is empty', {}],
    ['repeats what is there', { state: 'NEW', status: 'OPEN', attributes: { a: { y: 2, x: 1 } } }],
    ['removes what is not there', { attributes: { gone: null } }],
    ['says undefined', { state: undefined, status: undefined, attributes: undefined }],
  ])('that %s changes nothing', (_, patch) => {
    expect(applyPatch(anObject({ attributes: { a: { x: 1, y: 2 } } }), patch, NOW)).toBeNull();
  });

  test('leaves alone what the kind does not have', () => {
    expect(applyPatch(anObject({ kind: 'record', state: null, status: null }), { state: 'A', status: 'B' }, NOW)).toBeNull();
    expect(applyPatch(anObject({ kind: 'task', state: null }), { state: 'A' }, NOW)).toBeNull();
  });

  test('can set a state to null', () => {
    expect(applyPatch(anObject({ state: 'NEW' }), { state: null }, NOW)?.state).toBeNull();
  });
});

describe('attributes', () => {
  test('keep their order, what is new comes last', () => {
    expect(Object.keys(mergeAttributes({ b: 1, a: 2 }, { c: 3, b: 4 }))).toEqual(['b', 'a', 'c']);
  });

  test('called like a prototype are keys like any other', () => {
    const merged = mergeAttributes({ a: 1 }, parsed('{"__proto__":{"admin":true},"constructor":"c"}'));
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect((merged as { admin?: unknown }).admin).toBeUndefined();
    expect(JSON.stringify(merged)).toBe('{"a":1,"__proto__":{"admin":true},"constructor":"c"}');

    const after = anObject({ attributes: merged });
    const change = announce(anObject({ attributes: { a: 1 } }), after);
    expect(change?.changes).toEqual(['attributes.__proto__', 'attributes.constructor']);
    expect(JSON.stringify(change?.previous)).toBe('{"attributes":{}}');
    expect(JSON.stringify(announce(after, anObject({ attributes: { a: 1 } }))?.previous))
      .toBe('{"attributes":{"__proto__":{"admin":true},"constructor":"c"}}');
    expect(JSON.stringify(mergeAttributes(merged, parsed('{"__proto__":null}')))).toBe('{"a":1,"constructor":"c"}');
  });
});

describe('whatever is changed', () => {
  const key = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', '1', 'x.y');
  const value: fc.Arbitrary<Json> = fc.oneof(fc.constantFrom<Json>(1, 'a', true, [], {}), fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>);
  const bag = (of: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> =>
    fc.array(fc.tuple(key, of), { maxLength: 5 }).map((entries): JsonObject => Object.fromEntries(entries));
  const object = fc.record({
    kind: fc.constantFrom(...OBJECT_KINDS), state: fc.constantFrom('A', 'B', null), status: fc.constantFrom('OPEN', 'DONE'),
    attributes: bag(value.filter((held) => held !== null)),
  }).map(anObject);
  const patch: fc.Arbitrary<ObjectPatch> = fc.record({
    state: fc.constantFrom('A', 'B', null), status: fc.constantFrom('OPEN', 'DONE'), attributes: bag(fc.oneof(value, fc.constant(null))),
  }, { requiredKeys: [] });

  test('a patch announces something exactly when it changes something, and the second time never', () => {
    fc.assert(fc.property(object, patch, (before, change) => {
      const after = applyPatch(before, change, NOW);
      if (!after) {
        expect(jsonEqual(mergeAttributes(before.attributes, change.attributes ?? {}), before.attributes)).toBe(true);
        return;
      }
      expect(after.version).toBe(before.version + 1);
      expect(announce(before, after)?.changes.length).toBeGreaterThan(0);
      expect(applyPatch(after, change, NOW)).toBeNull();
    }), { numRuns: 1_000 });
  });

  test('what was before can be had back from previous and changes', () => {
    fc.assert(fc.property(object, patch, (before, change) => {
      const after = applyPatch(before, change, NOW);
      const announced = announce(before, after ?? before);
      if (!after || !announced) return;
      const { attributes, ...fields } = announced.previous as { attributes?: JsonObject; state?: string | null; status?: string };
      const keys = announced.changes.filter((path) => path.startsWith('attributes.')).map((path) => path.slice('attributes.'.length));
      const undo = Object.fromEntries(keys.map((name) => [name, attributes && Object.hasOwn(attributes, name) ? attributes[name] as Json : null]));
      const restored = applyPatch(after, { ...fields, attributes: undo }, before.updatedAt);
      expect(restored && { ...restored, version: before.version }).toEqual(before);
      expect(keys.length > 0).toBe(attributes !== undefined);
      expect(announced.changes).toHaveLength(Object.keys(fields).length + keys.length);
    }), { numRuns: 1_000 });
  });
});
