import { FAMILIES, type FamilyEvent } from '../../src/domain/family';
import type { Json, JsonObject } from '../../src/domain/json';
import type { TrackedObject } from '../../src/domain/object';

const AT = new Date('2025-11-04T09:30:00.000Z');
const object = (parts: Partial<TrackedObject>): TrackedObject => ({
  id: 'rec_1', workspaceId: 'wsp_1', kind: 'record', type: 'customer', primaryKey: null, recordId: null, processId: null, state: null, status: null,
  attributes: {}, version: 1, sequence: 1, createdAt: AT, updatedAt: AT, ...parts,
});
const customer = (attributes: JsonObject) => object({ attributes });
const run = (parts: Partial<TrackedObject> = {}) => object({ id: 'prc_1', kind: 'process', type: 'run', status: 'OPEN', recordId: 'rec_1', ...parts });
const task = (type: string, parts: Partial<TrackedObject> = {}) => object({ id: 'tsk_1', kind: 'task', type, status: 'OPEN', processId: 'prc_1', ...parts });

/** What both families make of a change; nothing where none is concerned. */
function eventsOf(before: TrackedObject | null, after: TrackedObject, process: TrackedObject | null = after.kind === 'process' ? after : null): readonly FamilyEvent[] {
  return FAMILIES.filter((family) => family.concerns(before, after)).flatMap((family) => family.eventsOf({ before, after, process, actor: null }));
}
const types = (...change: Parameters<typeof eventsOf>): string[] => eventsOf(...change).map(({ type }) => type);
const tagsOf = (before: Json, after: Json): string[] =>
  eventsOf(customer({ tags: before }), customer({ tags: after })).map(({ type, data }) => `${type.slice('customer_tag_'.length)} ${(data['data'] as JsonObject)['tagId'] as string}`);

test('a creation gives its create row and nothing else, whatever it begins with', () => {
  expect(types(null, customer({ tags: ['a'], status: 'new' }))).toEqual([]);
  expect(types(null, run({ status: 'COMPLETED' }))).toEqual(['process_run_start']);
  expect(types(null, task('alert', { status: 'RESOLVED' }), run())).toEqual(['alert_created']);
  expect(types(null, task('step', { status: 'SUBMITTED' }), run())).toEqual(['step_init']);
  expect(types(null, task('service'), run())).toEqual(['service_run']);
  expect(types(null, run({ type: 'flow', status: 'CANCELLED' }))).toEqual(['flow.start']);
});

test.each<[string, string, string[]]>([
  ['OPEN', 'COMPLETED', ['process_run_end']], ['OPEN', 'CANCELLED', ['process_run_end']], ['COMPLETED', 'CANCELLED', []], ['CANCELLED', 'OPEN', []], ['OPEN', 'OPEN', []],
])('a run from %s to %s', (from, to, expected) => {
  expect(types(run({ status: from }), run({ status: to, attributes: { a: 1 } }))).toEqual(expected);
});

test('tasks end by the status that their type knows', () => {
  const change = (type: string, from: string, to: string) => types(task(type, { status: from }), task(type, { status: to }), run());
  expect(change('alert', 'OPEN', 'RESOLVED')).toEqual(['alert_resolved']);
  expect(change('alert', 'SEEN', 'RESOLVED')).toEqual(['alert_resolved']);
  expect(change('alert', 'RESOLVED', 'RESOLVED')).toEqual([]);
  expect(change('alert', 'OPEN', 'SUBMITTED')).toEqual([]);
  expect(change('step', 'OPEN', 'SUBMITTED')).toEqual(['step_submit']);
  expect(change('service', 'OPEN', 'DONE')).toEqual([]);
  expect(change('call', 'OPEN', 'RESOLVED')).toEqual([]);
});

test('technologies belong to a session of a flow', () => {
  const technology = task('technology', { attributes: { technology_code: 'ocr' } });
  const session = run({ type: 'flow', attributes: { flow: 'onboarding' } });
  expect(types(null, technology, run())).toEqual([]);
  expect(types(null, technology, null)).toEqual([]);
  expect(eventsOf(null, technology, session)).toEqual([{
    type: 'technology.start',
    data: { flow: 'onboarding', session_id: 'prc_1', success: true, flow_name: 'onboarding', metadata: {}, data: { technology_code: 'ocr' } },
  }]);
  expect(eventsOf(technology, { ...technology, status: 'FAILED' }, session)[0]).toMatchObject({ type: 'technology.end', data: { success: false } });
  expect(eventsOf(technology, { ...technology, status: 'COMPLETED' }, session)[0]).toMatchObject({ type: 'technology.end', data: { success: true } });
});

test('tags enter in the list\'s order, then leave, each once; what is no tag is none', () => {
  expect(tagsOf(['a', 'b'], ['c', 'b', 'd', 'c'])).toEqual(['add c', 'add d', 'remove a']);
  expect(tagsOf(null, ['x', 7, null, { a: 1 }])).toEqual(['add x', 'add 7']);
  expect(tagsOf(['x'], 'x')).toEqual(['remove x']);
  expect(tagsOf(['x', 'y'], ['y', 'x'])).toEqual([]);
});

test('a change of status comes before the tags', () => {
  expect(types(customer({ status: 'a', tags: ['x'] }), customer({ status: 'b', tags: ['y'] })))
    .toEqual(['customer_status_changed', 'customer_tag_add', 'customer_tag_remove']);
  expect(types(object({ type: 'contact', attributes: { status: 'a' } }), object({ type: 'contact', attributes: { status: 'b' } }))).toEqual([]);
});

test('the record of a task is its own, else its process\'s, else none', () => {
  const spektrId = (parts: Partial<TrackedObject>, process: TrackedObject | null) => eventsOf(null, task('alert', parts), process)[0]?.data['spektrId'];
  expect(spektrId({ recordId: 'rec_2' }, run())).toBe('rec_2');
  expect(spektrId({}, run())).toBe('rec_1');
  expect(spektrId({}, run({ recordId: null }))).toBeNull();
  expect(spektrId({ processId: null }, null)).toBeNull();
});

test('a run\'s id stands in for the process id that its attributes do not name', () => {
  expect(eventsOf(null, run())[0]?.data).toEqual({ spektrId: 'rec_1', data: { processType: null, processName: null, processId: 'prc_1', contextId: 'prc_1' } });
  expect(eventsOf(run(), run({ status: 'COMPLETED' }))[0]?.data).toEqual({
    spektrId: 'rec_1', process_name: null, process_output: null, files: { clientFiles: [] }, fields: [], data: {},
  });
});
