import type { EnvelopeFacts } from '../domain/envelope-facts';
import type { Event } from '../domain/event';
import { isJsonList, isJsonObject, type Json, type JsonObject } from '../domain/json';
import { familyFields } from './family-fields';

/** How long a link to a stored file is good, from the event's `createdAt` (seed "spektr": "Valid for 24 hour"). */
const LINK_HOURS = 24;

/**
 * The body of the dialect `spektr` (seed "spektr", "Webhooks events and payloads"); `createdAt` in milliseconds. The end of a
 * run has its fields beside `data`, and `createdAt` last.
 */
export function spektr(event: Event, facts: EnvelopeFacts): string {
  const fields = familyFields(event);
  const spektrId = fields['spektrId'] ?? (event.objectKind === 'record' ? event.objectId : null);
  const head = { id: event.id, spektrId, type: event.type, delivered: facts.delivered };
  const createdAt = event.createdAt.getTime();
  const data = fields['data'] ?? {};
  if (event.type !== 'process_run_end') {
    const { reference } = fields;
    return JSON.stringify({ ...head, createdAt, ...(reference !== undefined && { reference }), data });
  }
  const until = new Date(event.createdAt.getTime() + LINK_HOURS * 3_600_000);
  const { process_name = null, process_output = null, fields: formFields = [] } = fields;
  return JSON.stringify({
    ...head, process_name, process_output, files: linked(fields['files'], (fileId) => facts.fileLink({ workspaceId: event.workspaceId, fileId }, until)), fields: formFields, data, createdAt,
  });
}

/** The files of a run: an entry that names a stored file becomes a link to it, anything else is passed on. */
function linked(files: Json | undefined, linkTo: (fileId: string) => string): JsonObject {
  const given = isJsonObject(files) ? files : {};
  const clientFiles = isJsonList(given['clientFiles']) ? given['clientFiles'] : [];
  return {
    ...given,
    clientFiles: clientFiles.map((file) => (isJsonObject(file) && typeof file['fileId'] === 'string' ? linkTo(file['fileId']) : file)),
  };
}
