import { z } from 'zod';
import { DIALECT_NAMES } from '../../domain/dialect';
import { MAX_EXPRESSION, takesTransform } from '../../domain/transform';
import { eventSample } from './rule';
import { anyJson, idOf } from './shared';

/** The body of a trial: an expression, against one event as a dialect writes it. */
export const transformTryBody = z.strictObject({
  transform: z.strictObject({ language: z.enum(['jsonata']), expression: z.string().min(1, 'must not be empty').max(MAX_EXPRESSION, `may have at most ${MAX_EXPRESSION} characters`) }),
  eventId: idOf('event').optional(),
  event: eventSample.optional().describe('need not exist; without data and object the sample of its type'),
  dialect: z.enum(DIALECT_NAMES).default('standard'),
}).superRefine((body, context) => {
  if ((body.eventId === undefined) === (body.event === undefined)) {
    context.addIssue({ code: 'custom', path: ['eventId'], message: 'must be given, or event instead of it, but not both' });
  }
  if (!takesTransform(body.dialect)) context.addIssue({ code: 'custom', path: ['dialect'], message: 'has endpoints that can not have a transform' });
});

/** What came of it: the body that would be sent, or what is wrong. */
export const transformTryOut = z.strictObject({
  input: anyJson.describe('what the dialect would send'),
  body: anyJson.describe('what would be sent instead; null where there is a mistake'),
  error: z.strictObject({ message: z.string(), position: z.int().nullable().describe('characters of the expression, from its beginning') }).nullable(),
});
