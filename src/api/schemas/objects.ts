import { z } from 'zod';
import type { ObjectKind } from '../../domain/object';
import { PROCESS_STATUSES } from '../../domain/object';
import { idOf, jsonObject, timeOut } from './shared';

/** An object's type: "customer", "lead", "call". */
export const objectType = z.string().min(1, 'must not be empty').max(128, 'may have at most 128 characters');

/** The caller's own key of an object, unique per kind and type. */
export const primaryKey = z.string().min(1, 'must not be empty').max(255, 'may have at most 255 characters');

const state = z.string().min(1, 'must not be empty').max(128, 'may have at most 128 characters');
const processStatus = z.enum(PROCESS_STATUSES, { error: `must be one of ${PROCESS_STATUSES.join(', ')}` });
const taskStatus = z.string().min(1, 'must not be empty').max(64, 'may have at most 64 characters');

/** Who did it, as the caller names them; kept on the events. */
export const actor = z.strictObject({
  userId: z.string().max(200).optional(),
  processId: z.string().max(200).optional(),
  processName: z.string().max(200).optional(),
}).meta({ id: 'Actor' });

/** A process's or task's references and progress, by kind: what is shared by its create, change and upsert. */
const OWN = {
  record: { references: {}, progress: {} },
  process: {
    references: { recordId: idOf('record').nullish() },
    progress: { state: state.nullish(), status: processStatus.optional() },
  },
  task: {
    references: { recordId: idOf('record').nullish(), processId: idOf('process').nullish() },
    progress: { status: taskStatus.optional() },
  },
} as const;

/** What an object's routes take; what a kind does not have is undefined after the guard. */
export interface ObjectBody {
  readonly attributes?: z.output<typeof jsonObject> | undefined;
  readonly recordId?: string | null | undefined;
  readonly processId?: string | null | undefined;
  readonly state?: string | null | undefined;
  readonly status?: string | undefined;
  readonly actor?: z.output<typeof actor> | undefined;
}

/** What the body of a create holds. */
export interface CreateBody extends ObjectBody {
  readonly type: string;
  readonly primaryKey?: string | null | undefined;
}

/** The body that creates an object of a kind. */
export const createBody = (kind: ObjectKind): z.ZodType<CreateBody> =>
  z.strictObject({
    type: objectType, primaryKey: primaryKey.nullish(), attributes: jsonObject.optional(), actor: actor.optional(),
    ...OWN[kind].references, ...OWN[kind].progress,
  }).meta({ id: `New${NAMES[kind]}`, examples: [EXAMPLES[kind]] });

/** The body that changes an object of a kind. */
export const changeBody = (kind: ObjectKind): z.ZodType<ObjectBody> =>
  z.strictObject({ attributes: jsonObject.optional(), actor: actor.optional(), ...OWN[kind].progress }).meta({ id: `${NAMES[kind]}Change` });

/** What an item of a bulk update holds: which object, by `id` or by `type` and `primaryKey`, and its change. */
export interface ChangeItem extends ObjectBody {
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  readonly primaryKey?: string | undefined;
}

/** An item of a bulk update of a kind. */
export const changeItem = (kind: ObjectKind): z.ZodType<ChangeItem> =>
  z.strictObject({
    id: idOf(kind).optional(), type: objectType.optional(), primaryKey: primaryKey.optional(),
    attributes: jsonObject.optional(), actor: actor.optional(), ...OWN[kind].progress,
  }).refine(
    ({ id, type, primaryKey: key }: ChangeItem) => (id === undefined ? type !== undefined && key !== undefined : type === undefined && key === undefined),
    'must name its object by id, or by type and primaryKey',
  ).meta({ id: `${NAMES[kind]}ChangeItem`, oneOf: [
    { required: ['id'], properties: { type: false, primaryKey: false } }, { required: ['type', 'primaryKey'], properties: { id: false } },
  ] });

/** The body that changes an object by its primary key; its references count only where it creates one. */
export const upsertBody = (kind: ObjectKind): z.ZodType<ObjectBody> =>
  z.strictObject({ attributes: jsonObject.optional(), actor: actor.optional(), ...OWN[kind].references, ...OWN[kind].progress })
    .meta({ id: `${NAMES[kind]}Upsert` });

/** The optional body of a delete. */
export const deleteBody = z.strictObject({ actor: actor.optional() }).optional();

const NAMES: Readonly<Record<ObjectKind, string>> = { record: 'Record', process: 'Process', task: 'Task' };

const EXAMPLES: Readonly<Record<ObjectKind, object>> = {
  record: { type: 'customer', primaryKey: 'c-1', attributes: { name: 'Asha', city: 'Pune' } },
  process: { type: 'lead', primaryKey: 'l-1', state: 'NEW', attributes: { source: 'website' } },
  task: { type: 'call', processId: 'prc_01jc3f7x9k2m4n6p8q0r2s4t6v', attributes: { due: '2030-01-01' } },
};

const COMMON_OUT = { type: z.string(), primaryKey: z.string().nullable() };
const REST_OUT = { attributes: jsonObject, version: z.int().min(1), createdAt: timeOut, updatedAt: timeOut };

const OUT = {
  record: z.strictObject({ id: idOf('record'), kind: z.literal('record'), ...COMMON_OUT, ...REST_OUT }).meta({ id: 'Record' }),
  process: z.strictObject({
    id: idOf('process'), kind: z.literal('process'), ...COMMON_OUT, recordId: idOf('record').nullable(),
    state: z.string().nullable(), status: z.enum(PROCESS_STATUSES), ...REST_OUT,
  }).meta({ id: 'Process' }),
  task: z.strictObject({
    id: idOf('task'), kind: z.literal('task'), ...COMMON_OUT, processId: idOf('process').nullable(), recordId: idOf('record').nullable(),
    status: z.string(), ...REST_OUT,
  }).meta({ id: 'Task' }),
} as const;

/** An object of a kind as it is answered. */
export const objectOut = (kind: ObjectKind): z.ZodType => OUT[kind];

/** What the list of a kind can be narrowed by, beside what every list takes. */
export const objectFilters = (kind: ObjectKind) => ({
  type: objectType.optional(),
  primaryKey: primaryKey.optional(),
  ...(kind === 'process' && { state: state.optional() }),
  ...(kind === 'process' && { status: processStatus.optional() }),
  ...(kind === 'task' && { status: taskStatus.optional() }),
  ...(kind !== 'record' && { recordId: idOf('record').optional() }),
  ...(kind === 'task' && { processId: idOf('process').optional() }),
});
