import { z } from 'zod';
import { ENTRY_STATUSES, JOB_KINDS, JOB_STATUSES } from '../../domain/job';
import type { ObjectKind } from '../../domain/object';
import { changeItem, createBody, type ChangeItem, type CreateBody } from './objects';
import { recoveryResult } from './recovery';
import { idOf, jsonObject, timeOut } from './shared';

/** Most items of a bulk call. */
export const MAX_ITEMS = 10_000;

const listOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item).min(1, 'must hold at least one item').max(MAX_ITEMS, `may hold at most ${MAX_ITEMS} items`) });

/** The body of a bulk create: each item is what the single call takes. */
export const bulkCreateBody = (kind: ObjectKind): z.ZodType<{ items: readonly CreateBody[] }> => listOf(createBody(kind));

/** The body of a bulk update: each item names its object and its change. */
export const bulkChangeBody = (kind: ObjectKind): z.ZodType<{ items: readonly ChangeItem[] }> => listOf(changeItem(kind));

/** A job as it is answered. */
export const jobOut = z.strictObject({
  id: idOf('job'),
  kind: z.enum(JOB_KINDS),
  status: z.enum(JOB_STATUSES),
  total: z.int().min(0).describe('entries; of a recovery or a backfill what it looks at, 0 until that is counted'),
  done: z.int().min(0),
  failed: z.int().min(0),
  parameters: jsonObject.describe('what was asked for; of a bulk job its `objectKind`'),
  result: recoveryResult.nullable().describe('what came of it so far; null for a bulk job, and until it is counted what there is to look at'),
  error: z.string().nullable().describe('why it is FAILED'),
  workflow: z.strictObject({ id: z.string(), runId: z.string().nullable(), url: z.url() }).nullable().describe('null until it was begun'),
  createdAt: timeOut,
  finishedAt: timeOut.nullable(),
}).meta({ id: 'Job' });

/** The answer to a call that makes a job. */
export const acceptedJob = z.strictObject({ job: jobOut });

/** An entry of a job as it is answered; `error` is told as a batch tells it. */
export const entryOut = z.strictObject({
  index: z.int().min(0).describe('place in the request, from 0'),
  status: z.enum(ENTRY_STATUSES),
  id: z.string().optional().describe('what was made or changed'),
  error: z.strictObject({
    code: z.string(), status: z.int(), detail: z.string(), errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  }).optional(),
}).meta({ id: 'JobEntry' });
