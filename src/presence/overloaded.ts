import { ImstateError } from 'imstate-client/internal/shared/errors';

/** Rejects a request because of what the daemon does for others: nothing was done, so it may be repeated. */
export class Overloaded extends ImstateError {
  readonly reason: string;

  constructor(reason: string) {
    super('RESOURCE_EXHAUSTED', `${reason}: nothing was done; try again later`);
    this.reason = reason;
  }
}
