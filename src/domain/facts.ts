import type { Event } from './event';
import { isJsonObject, type Json, type JsonObject } from './json';

/** What a condition may ask about: one event, each part read from its JSON text at most once, and only when looked at. */
export interface Facts {
  /** The object after the change; undefined for a custom event of no object. */
  readonly object: JsonObject | undefined;
  /** The changed fields' old values; undefined for a custom event. */
  readonly previous: Json | undefined;
  /** The changed paths; undefined for a custom event. */
  readonly changes: Json | undefined;
  /** A custom event's data; undefined for a lifecycle event, and where it is no JSON. */
  readonly data: Json | undefined;
  /** The event itself, without its workspace and the parts above; times as ISO text, as the API shows them. */
  readonly event: JsonObject;
}

/** Makes the view of an event that conditions are evaluated on. Never throws: a part that is no JSON reads as missing. */
export const factsOf = (event: Event): Facts => new LazyFacts(event);

// A getter that has run is replaced by its value on the instance: no flag to keep, and a missing part is remembered too.
class LazyFacts implements Facts {
  readonly #event: Event;

  constructor(event: Event) {
    this.#event = event;
  }

  get object(): JsonObject | undefined {
    const object = parse(this.#event.object);
    return this.#keep('object', isJsonObject(object) ? object : undefined);
  }

  get previous(): Json | undefined {
    return this.#keep('previous', parse(this.#event.previous));
  }

  get changes(): Json | undefined {
    return this.#keep('changes', parse(this.#event.changes));
  }

  get data(): Json | undefined {
    return this.#keep('data', parse(this.#event.data));
  }

  get event(): JsonObject {
    const { id, externalId, type, sequence, causedBy, objectKind, objectId, actor, occurredAt, createdAt } = this.#event;
    return this.#keep('event', {
      id, externalId, type, sequence, causedBy, objectKind, objectId,
      actor: parse(actor) ?? null,
      occurredAt: occurredAt.toISOString(),
      createdAt: createdAt.toISOString(),
    });
  }

  #keep<T>(name: keyof Facts, value: T): T {
    Object.defineProperty(this, name, { value });
    return value;
  }
}

function parse(text: string | null): Json | undefined {
  if (text === null) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
