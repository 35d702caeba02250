/** What was sent of an event to an endpoint before: by this delivery, or by earlier ones of which it is a resend. */
export interface SendHistory {
  /** Requests of earlier deliveries. */
  readonly earlierAttempts: number;
  /** Whether an earlier delivery was DELIVERED. */
  readonly isDelivered: boolean;
  /** When the first request of all of them began; null where none has ended yet. */
  readonly firstSentAt: Date | null;
}

/** Nothing was sent before. */
export const NOTHING_SENT: SendHistory = { earlierAttempts: 0, isDelivered: false, firstSentAt: null };

/** Names a stored file. A link holds for the named workspace's alone: nobody can have one made to a stranger's file. */
export interface FileOfWorkspace {
  readonly workspaceId: string;
  readonly fileId: string;
}

/** What a body may tell beside its event: only some dialects do (`tellsHistory`, `verifyToken`). */
export interface EnvelopeFacts {
  /** From 1, over all deliveries of the event to the endpoint; those of unknown outcome count too. */
  readonly attemptNumber: number;
  readonly firstSentAt: Date;
  /** True: delivered before, this is a resend. Null: never attempted before. False: attempted, without success. */
  readonly delivered: boolean | null;
  readonly verifyToken: string | null;
  /** The address under which a stored file of the workspace can be read until then. */
  fileLink(file: FileOfWorkspace, until: Date): string;
}

/** The part of {@link EnvelopeFacts} that follows from what was sent; `number` is the attempt's within its delivery, from 1. */
export function attemptFacts(
  history: SendHistory, number: number, startedAt: Date,
): Pick<EnvelopeFacts, 'attemptNumber' | 'firstSentAt' | 'delivered'> {
  const attemptNumber = history.earlierAttempts + number;
  return {
    attemptNumber,
    firstSentAt: history.firstSentAt ?? startedAt,
    delivered: history.isDelivered ? true : attemptNumber > 1 ? false : null,
  };
}
