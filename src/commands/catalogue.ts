import type { Enforcement } from '../domain/event-catalogue';
import type { Json } from '../domain/json';
import type { FieldError } from '../errors';
import type { Steps } from '../json-schema/run';
import { readSchema, type Schema } from '../json-schema/schema';
import type { Db } from '../store/db';
import { changedCatalogues, enforcedCatalogues, enforcedTypes, findEventType, type CatalogueState } from '../store/event-types';

/** What the catalogue says of an event: `[]`, it fits. */
export interface EventVerdict {
  readonly enforce: Exclude<Enforcement, 'off'>;
  readonly mistakes: readonly FieldError[];
}

/** The catalogues of all workspaces, as this process knows them. */
export interface Catalogues {
  /**
   * Checks an event that is to be published. Null, at once and without a statement, where the workspace enforces nothing;
   * resolves to null where this type is not enforced. `steps` is what all events of a request may take together.
   */
  check(workspaceId: string, type: string, data: Json, steps?: Steps): Promise<EventVerdict | null> | null;
  /** Looks for changes now: after a change of one's own, so that this process knows it before its caller is answered. */
  refresh(): Promise<void>;
  /** Looks for changes no more. */
  close(): void;
}

/** Changes are looked for so often: what another process has changed is known here so much later at most. */
export const CATALOGUE_EVERY_MS = 1_000;
/** A change may be committed so long after the time that it says it was made at. */
const OVERLAP_MS = 120_000;
/** After so long without a look, everything is read again. */
const LOST_AFTER_MS = 60_000;
/** Characters of all schemas that are kept ready; those that were used longest ago go first. */
const KEPT_CHARACTERS = 8 * 1024 * 1024;

interface Known {
  readonly revision: number;
  types: Promise<ReadonlyMap<string, EventVerdict['enforce']>> | null;
}

/** The catalogues of a process that publishes events. Resolves when it knows which workspaces enforce anything. */
export async function openCatalogues(db: Db, onFault: (error: unknown) => void, everyMs = CATALOGUE_EVERY_MS): Promise<Catalogues> {
  const known = new Map<string, Known>();
  const schemas = createSchemas(db);
  let lookedAt = -Infinity;
  let looking: Promise<void> | null = null;

  function learn({ workspaceId, revision, isEnforced }: CatalogueState): void {
    if (!isEnforced) known.delete(workspaceId);
    else if (known.get(workspaceId)?.revision !== revision) known.set(workspaceId, { revision, types: null });
  }
  async function look(): Promise<void> {
    const isLost = performance.now() - lookedAt > LOST_AFTER_MS;
    const beganAt = performance.now();
    const states = isLost ? await enforcedCatalogues(db) : await changedCatalogues(db, OVERLAP_MS);
    if (isLost) {
      const enforced = new Set(states.map(({ workspaceId }) => workspaceId));
      for (const workspaceId of known.keys()) if (!enforced.has(workspaceId)) known.delete(workspaceId);
    }
    states.forEach(learn);
    lookedAt = beganAt;
  }
  async function refresh(): Promise<void> {
    // One that is under way may have begun before the change that the caller wants to see.
    await looking?.catch(() => undefined);
    looking = look().finally(() => (looking = null));
    await looking;
  }

  async function verdictOn(workspaceId: string, catalogue: Known, type: string, data: Json, steps?: Steps): Promise<EventVerdict | null> {
    catalogue.types ??= db.within(workspaceId).read((sql) => enforcedTypes(sql, workspaceId)).catch((error: unknown) => {
      catalogue.types = null;
      throw error;
    });
    const enforce = (await catalogue.types).get(type);
    const schema = enforce && (await schemas.get(workspaceId, catalogue.revision, type));
    return enforce && schema ? { enforce, mistakes: schema.mistakes(data, 'data', steps) } : null;
  }

  await look();
  const timer = setInterval(() => void refresh().catch(onFault), everyMs);
  timer.unref();
  return {
    check(workspaceId, type, data, steps) {
      const catalogue = known.get(workspaceId);
      return catalogue ? verdictOn(workspaceId, catalogue, type, data, steps) : null;
    },
    refresh,
    close: () => clearInterval(timer),
  };
}

interface KeptSchema {
  readonly schema: Promise<Schema | null>;
  characters: number;
}

/** Schemas that were read lately, by workspace, revision and type. */
function createSchemas(db: Db): { get(workspaceId: string, revision: number, type: string): Promise<Schema | null> } {
  const kept = new Map<string, KeptSchema>();
  let characters = 0;

  function forget(key: string): void {
    characters -= kept.get(key)?.characters ?? 0;
    kept.delete(key);
  }
  async function load(workspaceId: string, type: string, key: string): Promise<Schema | null> {
    const stored = await db.within(workspaceId).read((sql) => findEventType(sql, workspaceId, type));
    if (!stored || stored.schema === null) return null;
    const entry = kept.get(key);
    if (entry) {
      entry.characters = JSON.stringify(stored.schema).length;
      characters += entry.characters;
    }
    const read = readSchema(stored.schema);
    // What was saved was read then; a later version that reads it otherwise must not refuse what it can't judge.
    return 'schema' in read ? read.schema : null;
  }

  return {
    get(workspaceId, revision, type) {
      const key = `${workspaceId}|${revision}|${type}`;
      const found = kept.get(key);
      if (found) {
        kept.delete(key);
        kept.set(key, found);
        return found.schema;
      }
      // Its entry stands before it is read, so that callers share the read.
      const schema = Promise.resolve().then(() => load(workspaceId, type, key));
      kept.set(key, { schema, characters: 0 });
      schema.then(() => {
        for (const oldest of kept.keys()) {
          if (characters <= KEPT_CHARACTERS || oldest === key) break;
          forget(oldest);
        }
      }, () => forget(key));
      return schema;
    },
  };
}
