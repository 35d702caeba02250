import { appendToObjects, newCustomEvent, noSuchSubject } from '../commands/append-event';
import type { Json } from '../domain/json';
import { AppError, type FieldError } from '../errors';
import type { Steps } from '../json-schema/run';
import { insertEvents, type InsertedEvent, type NewEvent } from '../store/event-insert';
import { BATCH_STEPS, checkEvent, type Warnings } from './check-event';
import { check } from './guard';
import { elementSpans, memberSpan } from './json-span';
import { postedEvent } from './posted-event';
import type { RouteContext } from './route';
import { publishBody } from './schemas/events';

/** What one event of a batch is answered: an event's id, or why it was not taken. */
export type BatchResult =
  | { readonly id: string; readonly duplicate: boolean; readonly warnings?: Warnings }
  | { readonly error: { readonly code: string; readonly status: number; readonly detail: string; readonly errors?: readonly FieldError[] } };

type Checked = { readonly event: NewEvent; readonly objectId: string | null; readonly warnings?: Warnings } | { readonly refused: AppError };

/** Stores the events of a batch that are as they must be, all in one transaction, and answers each in its place. */
export async function publishBatch(items: readonly unknown[], raw: string, context: RouteContext): Promise<BatchResult[]> {
  const spans = elementSpans(raw, memberSpan(raw, 'events')?.start);
  const steps = { left: BATCH_STEPS };
  const checked: Checked[] = [];
  for (const [n, item] of items.entries()) {
    const taken = checkItem(item, raw, spans[n]?.start ?? 0, context);
    checked.push('event' in taken ? await checkSchema(taken, item, context, steps) : taken);
  }
  const stored = await store(checked, context);
  return checked.map((one) => {
    if ('refused' in one) return refusal(one.refused);
    const inserted = stored.get(one.event);
    if (!inserted) return refusal(noSuchSubject(one.objectId ?? ''));
    context.deps.metrics.api.published[inserted.duplicate ? 'duplicate' : 'stored'].add();
    return one.warnings ? { ...inserted, warnings: one.warnings } : inserted;
  });
}

function checkItem(item: unknown, raw: string, from: number, context: RouteContext): Checked {
  try {
    const posted = postedEvent(check('The event', publishBody, item), raw, from, context);
    return { event: newCustomEvent(context.deps.newId, context.caller.workspaceId, posted), objectId: posted.objectId };
  } catch (error) {
    if (error instanceof AppError) return { refused: error };
    throw error;
  }
}

async function checkSchema(taken: Extract<Checked, { event: NewEvent }>, item: unknown, context: RouteContext, steps: Steps): Promise<Checked> {
  const checking = checkEvent(context, taken.event.type, (item as { readonly data: Json }).data, steps);
  if (!checking) return taken;
  try {
    const warnings = await checking;
    return warnings.length > 0 ? { ...taken, warnings } : taken;
  } catch (error) {
    if (error instanceof AppError) return { refused: error };
    throw error;
  }
}

async function store(checked: readonly Checked[], context: RouteContext): Promise<ReadonlyMap<NewEvent, InsertedEvent | null>> {
  const taken = checked.filter((one) => 'event' in one);
  const alone = taken.filter(({ objectId }) => objectId === null).map(({ event }) => event);
  const ofObjects = taken.flatMap(({ event, objectId }) => (objectId === null ? [] : [{ event, objectId }]));
  const told = new Map<NewEvent, InsertedEvent | null>();
  const note = (events: readonly NewEvent[], inserted: readonly (InsertedEvent | null)[]): void =>
    events.forEach((event, n) => told.set(event, inserted[n] ?? null));

  if (ofObjects.length === 0) {
    if (alone.length > 0) note(alone, await context.publishAll(alone));
    return told;
  }
  await context.write(async (trx) => {
    note(ofObjects.map(({ event }) => event), await appendToObjects(trx, context.caller.workspaceId, ofObjects));
    note(alone, await insertEvents(trx, alone));
  });
  return told;
}

const refusal = ({ code, status, detail, errors }: AppError): BatchResult =>
  ({ error: { code, status, detail, ...(errors.length > 0 && { errors }) } });
