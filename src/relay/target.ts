import type { CloudEvent } from 'cloudevents';
import { ImstateError } from 'imstate-client/internal/shared/errors';

/** An event of presence. */
export type RelayEvent = CloudEvent<unknown>;

/** Where a relay delivers events. */
export interface RelayTarget {
  /** Human-readable, without secrets. */
  readonly description: string;
  /** How many events one delivery has at most. */
  readonly maxEvents: number;

  /**
   * Delivers events in order; resolves once the target has acknowledged all of them. Rejects with a {@link
   * DeliveryError} if it has not: then some of them may have arrived, and all are delivered again. `deliveryId` is the
   * same for each attempt.
   */
  deliver(events: readonly RelayEvent[], deliveryId: string, signal: AbortSignal): Promise<void>;

  /** Ends connections. Safe to call twice. */
  close(): Promise<void>;
}

/** Why a delivery failed. */
export class DeliveryError extends Error {
  /** How long the target wants no further attempt; undefined if it does not say. Milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Whether the target wants no events any more, so that the relay pauses. */
  readonly isGone: boolean;

  constructor(
    message: string,
    {
      retryAfterMs,
      isGone = false,
      cause,
    }: { retryAfterMs?: number | undefined; isGone?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.name = 'DeliveryError';
    this.retryAfterMs = retryAfterMs;
    this.isGone = isGone;
  }

  /** For a command that delivers once. */
  toImstateError(): ImstateError {
    return new ImstateError('UNAVAILABLE', this.message, { cause: this });
  }
}
