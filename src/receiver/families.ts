import type { Json } from './objects';

/** The body of `chative`. Times are in Unix seconds. */
export interface ChativeBody {
  /** The event's id. */
  readonly _id: string;
  readonly event: string;
  readonly createdAt: number;
  /** This request is the how-manieth, from 1. */
  readonly deliveryAttempts: number;
  readonly firstSentAt: number;
  readonly items: readonly [ChativeItem];
}

/** The record that a `chative` body is of; of a custom event the event itself, as `event`. */
export interface ChativeItem {
  readonly _id: string;
  readonly object: string;
  readonly createdAt: number;
  /** All attributes of a new record, those that changed of another (null: removed); a custom event's data. */
  readonly data: Json;
  /** The verify token, once the endpoint has one. */
  readonly infoWebhook: { readonly verifyToken?: string };
}

/** By which an event tells of its run. */
interface RunFields {
  readonly processType: Json;
  readonly processName: Json;
  readonly processId: Json;
  readonly contextId: string | null;
}

interface AlertData {
  readonly contextId: string | null;
  readonly processId: Json;
  readonly userId: Json;
  readonly alertId: string;
  readonly alertName: Json;
}

interface StepData extends RunFields {
  readonly stepId: string;
  readonly userId: Json;
}

interface TagData<Action extends 'add' | 'remove'> {
  readonly tagId: string;
  readonly action: Action;
  readonly userId: Json;
  readonly processId: Json;
}

/** `data` of the family `spektr` by type; the end of a run has its fields beside it, see {@link SpektrRunEnd}. */
export interface SpektrEvents {
  readonly process_run_start: RunFields;
  readonly service_run: RunFields & { readonly vendorType: Json; readonly reference: Json };
  readonly alert_created: AlertData;
  readonly alert_resolved: AlertData;
  readonly step_init: StepData;
  readonly step_submit: StepData;
  readonly customer_tag_add: TagData<'add'>;
  readonly customer_tag_remove: TagData<'remove'>;
  readonly customer_status_changed: {
    readonly oldStatus: Json;
    readonly newStatus: Json;
    readonly customerName: Json;
    readonly userId: Json;
    readonly processId: Json;
    readonly processName: Json;
  };
}

interface SpektrHead<Type extends string> {
  /** The event's id. */
  readonly id: string;
  /** The record: a customer. */
  readonly spektrId: string | null;
  readonly type: Type;
  /** null: the first attempt; false: one failed before; true: it was delivered before, this is a resend. */
  readonly delivered: boolean | null;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** The end of a run, of the family `spektr`. */
export interface SpektrRunEnd extends SpektrHead<'process_run_end'> {
  readonly process_name: Json;
  readonly process_output: Json;
  /** URLs; those of files that Posthorn keeps are good for 24 hours. */
  readonly files: { readonly clientFiles: readonly Json[] };
  readonly fields: Json;
  readonly data: Json;
}

/** The body of `spektr`, by `type`. */
export type SpektrBody =
  | { readonly [Type in keyof SpektrEvents]: SpektrHead<Type> & { readonly reference?: Json; readonly data: SpektrEvents[Type] } }[keyof SpektrEvents]
  | SpektrRunEnd;

/** The body of `flow`. */
export interface FlowBody {
  /** The event's id. */
  readonly id: string;
  readonly event: 'flow.start' | 'flow.end' | 'technology.start' | 'technology.end';
  readonly session_id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly success: boolean;
  readonly flow_name: Json;
  readonly metadata: Json;
  readonly data: Json;
}
