import type { ApplyRequest } from '../generated/imstate/v1/ApplyRequest.js';
import type { Operation } from '../generated/imstate/v1/Operation.js';
import { ImstateError, messageOf } from '../shared/errors.js';
import { loadCodec } from '../wire/codec.js';

/** A valid operation is far smaller, and an invalid one must not make a whole batch fail. */
const MAX_OPERATION_BYTES = 16 * 1024;

let write: ((request: ApplyRequest) => Buffer) | undefined;

/**
 * Encodes an operation as an ApplyRequest of its own. Concatenated, such requests are one request with all
 * operations. Throws INVALID_ARGUMENT if the operation cannot be encoded or is too large.
 */
export function encodeOperation(operation: Operation): Buffer {
  const request = encode(operation);
  if (request.length <= MAX_OPERATION_BYTES) return request;
  throw new ImstateError(
    'INVALID_ARGUMENT',
    `the operation has ${request.length} bytes: ids are at most 256 bytes, and metadata 1 KiB`,
  );
}

function encode(operation: Operation): Buffer {
  write ??= loadCodec().writer<ApplyRequest>('imstate.v1.ApplyRequest');
  try {
    return write({ operations: [operation] });
  } catch (error) {
    const message = `the operation cannot be encoded: ${messageOf(error)}`;
    throw new ImstateError('INVALID_ARGUMENT', message, { cause: error });
  }
}
