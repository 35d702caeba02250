import type { Family, FamilyChange, FamilyEvent } from './family';
import { isJsonList, jsonEqual, type Json, type JsonObject } from './json';
import { attributeOf, type TrackedObject } from './object';

/**
 * The types of the family `spektr`, as its bodies write them (seed "spektr", which also lists them in capitals, two of
 * them in the past tense: CUSTOMER_TAG_ADDED is `customer_tag_add`).
 */
export const SPEKTR_TYPES = [
  'process_run_start', 'process_run_end', 'step_init', 'step_submit', 'service_run', 'alert_created', 'alert_resolved',
  'customer_tag_add', 'customer_tag_remove', 'customer_status_changed',
] as const;

const TASK_TYPES: ReadonlySet<string> = new Set(['service', 'alert', 'step']);

/** The family `spektr`: runs, their tasks, and customers. */
export const SPEKTR_FAMILY: Family = {
  name: 'spektr',
  concerns(before, after) {
    if (after.kind === 'record') return after.type === 'customer' && before !== null && customerChanged(before, after);
    if (after.kind === 'process') return after.type === 'run' && (before === null || before.status !== after.status);
    return TASK_TYPES.has(after.type) && (before === null || before.status !== after.status);
  },
  eventsOf(change) {
    if (change.after.kind === 'record') return ofCustomer(change);
    if (change.after.kind === 'process') return change.after.type === 'run' ? ofRun(change) : [];
    return ofTask(change);
  },
};

function ofRun({ before, after, process }: FamilyChange): FamilyEvent[] {
  if (!before) {
    const reference = attributeOf(after, 'reference');
    return [{
      type: 'process_run_start',
      data: { spektrId: after.recordId, ...(reference !== null && { reference }), data: runFields(process) },
    }];
  }
  if (before.status !== 'OPEN' || after.status === 'OPEN') return [];
  return [{
    type: 'process_run_end',
    data: {
      spektrId: after.recordId,
      process_name: attributeOf(after, 'processName'),
      process_output: attributeOf(after, 'output'),
      files: { clientFiles: attributeOf(after, 'files') ?? [] },
      fields: attributeOf(after, 'fields') ?? [],
      data: attributeOf(after, 'data') ?? {},
    },
  }];
}

function ofTask(change: FamilyChange): FamilyEvent[] {
  const { before, after, process, actor } = change;
  const type = taskEventType(before, after);
  if (type === null) return [];
  const spektrId = after.recordId ?? process?.recordId ?? null;
  const { contextId, processId, processName, processType } = runFields(process);
  const userId = told(actor, 'userId');
  const data: Readonly<Record<string, JsonObject>> = {
    service: {
      vendorType: attributeOf(after, 'vendorType'), contextId, processId, processName, processType, reference: attributeOf(process, 'reference'),
    },
    alert: { contextId, processId, userId, alertId: after.id, alertName: attributeOf(after, 'alertName') },
    // The seed leaves the steps open: the run that a step belongs to, and the step.
    step: { contextId, processId, processName, processType, stepId: after.id, userId },
  };
  return [{ type, data: { spektrId, data: data[after.type] ?? {} } }];
}

function taskEventType(before: TrackedObject | null, after: TrackedObject): string | null {
  const became = (status: string): boolean => before !== null && before.status !== status && after.status === status;
  if (after.type === 'service') return before ? null : 'service_run';
  if (after.type === 'alert') return before ? (became('RESOLVED') ? 'alert_resolved' : null) : 'alert_created';
  if (after.type === 'step') return before ? (became('SUBMITTED') ? 'step_submit' : null) : 'step_init';
  return null;
}

function ofCustomer({ before, after, actor }: FamilyChange): FamilyEvent[] {
  if (!before || after.type !== 'customer') return [];
  const userId = told(actor, 'userId');
  const processId = told(actor, 'processId');
  const tagEvent = (action: 'add' | 'remove') => (tagId: string): FamilyEvent =>
    ({ type: `customer_tag_${action}`, data: { spektrId: after.id, data: { tagId, action, userId, processId } } });
  const tagsBefore = tagsOf(before);
  const tagsAfter = tagsOf(after);
  return [
    ...(statusChanged(before, after) ? [{
      type: 'customer_status_changed',
      data: {
        spektrId: after.id,
        data: {
          oldStatus: attributeOf(before, 'status'), newStatus: attributeOf(after, 'status'), customerName: attributeOf(after, 'name'),
          userId, processId, processName: told(actor, 'processName'),
        },
      },
    }] : []),
    ...tagsAfter.filter((tag) => !tagsBefore.includes(tag)).map(tagEvent('add')),
    ...tagsBefore.filter((tag) => !tagsAfter.includes(tag)).map(tagEvent('remove')),
  ];
}

const statusChanged = (before: TrackedObject, after: TrackedObject): boolean => !jsonEqual(attributeOf(before, 'status'), attributeOf(after, 'status'));

const customerChanged = (before: TrackedObject, after: TrackedObject): boolean =>
  statusChanged(before, after) || !jsonEqual(attributeOf(before, 'tags'), attributeOf(after, 'tags'));

/** The tags of a customer, each once, in the list's order: text, and numbers as text; what else stands in the list is no tag. */
function tagsOf(customer: TrackedObject): string[] {
  const tags = attributeOf(customer, 'tags');
  const texts = isJsonList(tags) ? tags.filter((tag) => typeof tag === 'string' || typeof tag === 'number').map(String) : [];
  return [...new Set(texts)];
}

/** The four fields by which an event tells of its run; all null where there is no run. */
function runFields(run: TrackedObject | null): { processType: Json; processName: Json; processId: Json; contextId: string | null } {
  return {
    processType: attributeOf(run, 'processType'),
    processName: attributeOf(run, 'processName'),
    processId: attributeOf(run, 'processId') ?? run?.id ?? null,
    contextId: run?.id ?? null,
  };
}

const told = (actor: JsonObject | null, key: string): Json => actor?.[key] ?? null;
