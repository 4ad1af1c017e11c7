import { Metadata, type status } from '@grpc/grpc-js';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { DETAILS_KEY, encodeBadRequest } from 'imstate-client/internal/wire/badRequest';
import type { Ending } from '../overload/requests/readCall.js';

/** How a call ends that an error of imstate rejects. */
export class Rejection implements Ending {
  readonly code: status;
  readonly details: string;
  readonly #field: string | undefined;

  constructor({ status: code, message, field }: ImstateError) {
    this.code = code;
    this.details = message;
    this.#field = field;
  }

  /**
   * The rejected field as google.rpc.BadRequest. Made when it is read: operations of Apply have no place for
   * it.
   */
  get metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#field !== undefined) {
      metadata.set(DETAILS_KEY, encodeBadRequest(this.code, this.details, this.#field));
    }
    return metadata;
  }
}
