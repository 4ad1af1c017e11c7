import { status } from '@grpc/grpc-js';

/**
 * Every error of imstate, with its gRPC status and its exit code on the command line. docs/errors.md explains
 * each; a test compares the two.
 *
 * Exit codes: 1 unexpected error, 2 wrong usage or invalid input, 3 unavailable, 4 rejected.
 */
export const errorTable = {
  INVALID_ARGUMENT: { status: status.INVALID_ARGUMENT, exitCode: 2 },
  WRONG_USAGE: { status: status.INVALID_ARGUMENT, exitCode: 2 },
  BAD_URL: { status: status.INVALID_ARGUMENT, exitCode: 2 },
  BAD_CERTIFICATE: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  ADVERTISE_REQUIRED: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  STORE_NOT_SHARED: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  UNSUITABLE: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  STORE_MISMATCH: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  LAYOUT_MISMATCH: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  UPGRADE_INCOMPLETE: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  CONFIG_UNUSABLE: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  AUTH_FILE_UNUSABLE: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  ADDRESS_UNAVAILABLE: { status: status.UNAVAILABLE, exitCode: 3 },
  DATA_FOLDER_IN_USE: { status: status.UNAVAILABLE, exitCode: 3 },
  DATA_FOLDER_UNUSABLE: { status: status.UNAVAILABLE, exitCode: 3 },
  STORE_UNAVAILABLE: { status: status.UNAVAILABLE, exitCode: 3 },
  REGISTRY_UNAVAILABLE: { status: status.UNAVAILABLE, exitCode: 3 },
  AUTH_KEYS_UNAVAILABLE: { status: status.UNAVAILABLE, exitCode: 3 },
  NO_ENDPOINT: { status: status.UNAVAILABLE, exitCode: 3 },
  UNAVAILABLE: { status: status.UNAVAILABLE, exitCode: 3 },
  TLS_FAILED: { status: status.UNAVAILABLE, exitCode: 4 },
  DEADLINE_EXCEEDED: { status: status.DEADLINE_EXCEEDED, exitCode: 3 },
  RESOURCE_EXHAUSTED: { status: status.RESOURCE_EXHAUSTED, exitCode: 3 },
  UNAUTHENTICATED: { status: status.UNAUTHENTICATED, exitCode: 4 },
  PERMISSION_DENIED: { status: status.PERMISSION_DENIED, exitCode: 4 },
  OUT_OF_RANGE: { status: status.OUT_OF_RANGE, exitCode: 3 },
  NOT_FOUND: { status: status.NOT_FOUND, exitCode: 2 },
  FAILED_PRECONDITION: { status: status.FAILED_PRECONDITION, exitCode: 2 },
  SUPERSEDED: { status: status.FAILED_PRECONDITION, exitCode: 4 },
  UNIMPLEMENTED: { status: status.UNIMPLEMENTED, exitCode: 1 },
  SYSTEM_ERROR: { status: status.UNAVAILABLE, exitCode: 3 },
  INTERNAL: { status: status.INTERNAL, exitCode: 1 },
} as const;

/** The code of an error. docs/errors.md explains each. */
export type ErrorCode = keyof typeof errorTable;

/** Options of an {@link ImstateError}. */
export interface ImstateErrorOptions extends ErrorOptions {
  /** See {@link ImstateError.field}. */
  field?: string | undefined;
}

/** The error class of imstate. The message says what is wrong, then what to do. Decide by the code. */
export class ImstateError extends Error {
  /** Always `ImstateError`. */
  override readonly name = 'ImstateError';
  /** What is wrong, stable for programs. */
  readonly code: ErrorCode;
  /**
   * The path of the invalid field, in the spelling of the interface that rejected it: `sessions[3].user_id`
   * for a field of a gRPC request, `userId` for a parameter of the HTTP API or a key of a record, `timeoutMs`
   * for an option that the client itself checks. What the message calls by its flag on the command line is
   * the flag here too, such as `--tls-cert`. Undefined if the error is not about one field, or the server did
   * not name it.
   */
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, { field, ...options }: ImstateErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.field = field;
  }

  /** The same error with another message, and with this error as its cause. */
  reworded(message: string, field = this.field): ImstateError {
    return new ImstateError(this.code, message, { cause: this, field });
  }

  /** The gRPC status of the error. */
  get status(): status {
    return errorTable[this.code].status;
  }

  /** The exit code of a command; oclif reads it with --json. */
  get exitCode(): number {
    return errorTable[this.code].exitCode;
  }

  /** The exit code of a command; oclif reads it without --json. */
  get oclif(): { exit: number } {
    return { exit: this.exitCode };
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
