import { status } from '@grpc/grpc-js';
import type { Operation__Output } from 'imstate-client/internal/generated/imstate/v1/Operation';
import type { OperationResult } from 'imstate-client/internal/generated/imstate/v1/OperationResult';
import type { CallDetails } from './callDetails.js';
import type { OperationCounts } from './operationCounts.js';
import type { OperationName } from './operationNames.js';
import type { Outcomes } from './outcomes.js';

const OK = status.OK;
/** The operations of a batch. The last stands for an operation that names none. */
const NAMES = ['online', 'offline', 'heartbeat', 'get_user', 'unknown'] as const satisfies OperationName[];

/**
 * Counts the operations of batches. All operations of a batch have the same duration, so successful ones are
 * counted together.
 */
export class BatchCounts {
  readonly #outcomes: Outcomes[];
  /** How many operations of each name succeeded in the batch that is being counted. */
  readonly #ok = new Uint32Array(NAMES.length);

  constructor(counts: OperationCounts) {
    this.#outcomes = NAMES.map((name) => counts.of(name));
  }

  /** A batch has its results, `ms` milliseconds after it arrived. `details` logs each operation. */
  end(
    operations: readonly Operation__Output[],
    results: readonly OperationResult[],
    ms: number,
    details: CallDetails | undefined,
  ): void {
    for (let i = 0; i < operations.length; i++)
      this.#note(operations[i] as Operation__Output, results[i]?.error?.code ?? OK, ms, details);
    for (let name = 0; name < NAMES.length; name++) {
      const count = this.#ok[name] as number;
      if (count > 0) this.#outcomes[name]?.end(OK, ms, count);
    }
    this.#ok.fill(0);
  }

  /** No operation of a batch was executed, all for the same reason. */
  reject(
    operations: readonly Operation__Output[],
    code: status,
    ms: number,
    details: CallDetails | undefined,
  ): void {
    for (const operation of operations) this.#note(operation, code, ms, details);
  }

  #note(operation: Operation__Output, code: number, ms: number, details: CallDetails | undefined): void {
    const name = indexOf(operation);
    if (code === OK) (this.#ok[name] as number) += 1;
    else this.#outcomes[name]?.end(code, ms);
    details?.endOperation(NAMES[name] as OperationName, operation, code, ms);
  }
}

/**
 * The index of the operation's name in {@link NAMES}. Reads as few fields as possible: this runs for every
 * operation.
 */
function indexOf(operation: Operation__Output): number {
  if (operation.online) return 0;
  if (operation.getUser) return 3;
  if (operation.offline) return 1;
  return operation.heartbeat ? 2 : 4;
}
