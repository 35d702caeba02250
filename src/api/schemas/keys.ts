import { z } from 'zod';
import { idOf, jsonObject, nameText, timeOut } from './shared';

const ROLES = ['admin', 'write', 'read', 'publish'] as const;

/** The body that makes a key. */
export const keyBody = z.strictObject({ name: nameText, role: z.enum(ROLES, { error: `must be one of ${ROLES.join(', ')}` }) })
  .meta({ id: 'NewApiKey', examples: [{ name: 'backend', role: 'write' }] });

const KEY = { id: idOf('key'), name: z.string(), role: z.enum(ROLES), createdAt: timeOut, lastUsedAt: timeOut.nullable() };

/** A key as it is listed. */
export const keyOut = z.strictObject(KEY).meta({ id: 'ApiKey' });

/** A key as it is answered once, when it is made. */
export const newKeyOut = z.strictObject({ ...KEY, key: z.string().describe('shown this once') }).meta({ id: 'CreatedApiKey' });

/** The body that makes a workspace. */
export const workspaceBody = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'must be 1 to 100 characters of A-Z a-z 0-9 _ . -, the first a letter or digit'),
}).meta({ id: 'NewWorkspace', examples: [{ name: 'acme' }] });

/** A workspace. */
export const workspaceOut = z.strictObject({ id: idOf('workspace'), name: z.string(), createdAt: timeOut }).meta({ id: 'Workspace' });

/** One line of the audit trail. */
export const auditOut = z.strictObject({
  id: idOf('audit'), actor: z.string(), action: z.string(), subjectId: z.string(), detail: jsonObject, createdAt: timeOut,
}).meta({ id: 'AuditEntry' });
