import { status } from '@grpc/grpc-js';
import type { ApplyRequest__Output } from 'imstate-client/internal/generated/imstate/v1/ApplyRequest';
import type { ApplyResponse } from 'imstate-client/internal/generated/imstate/v1/ApplyResponse';
import type { Operation__Output } from 'imstate-client/internal/generated/imstate/v1/Operation';
import type { OperationResult } from 'imstate-client/internal/generated/imstate/v1/OperationResult';
import { LIMITS } from '../../presence/limits.js';
import { broken } from '../../presence/validate.js';
import type { Operation } from '../../store/operations.js';
import type { ReadBudget } from '../../store/reads.js';
import type { Permit } from '../auth/guardedCall.js';
import { type ShownAnswer, showAnswers } from '../messages/responseRoom.js';
import type { BatchCounts } from '../observability/batchCounts.js';
import type { Policies } from '../policies.js';
import type { Presence } from '../presence.js';
import { readOperation, toResult } from './operations.js';
import type { StreamHandler } from './streamHandler.js';
import type { StreamSink } from './streamSink.js';

const MAX_OPERATIONS = LIMITS.batchOperations.max;
/** Batches of a stream that run at the same time: one is decoded while another is at the store. */
const MAX_CONCURRENT_BATCHES = 4;

/** What an {@link ApplyHandler} works with. */
interface ApplyParts {
  readonly presence: Presence;
  readonly policies: Policies;
  readonly counts: BatchCounts;
}

/**
 * Handles the batches of one stream of Apply. The store keeps the order of the operations on a user;
 * responses are sent in the order of the batches.
 */
export class ApplyHandler implements StreamHandler<ApplyRequest__Output> {
  readonly maxConcurrent = MAX_CONCURRENT_BATCHES;
  readonly endsGracefully = true;
  readonly #parts: ApplyParts;
  readonly #sink: StreamSink<ApplyResponse>;
  /** Resolves when the latest batch is answered. */
  #answered = Promise.resolve();

  constructor(parts: ApplyParts, sink: StreamSink<ApplyResponse>) {
    this.#parts = parts;
    this.#sink = sink;
  }

  handle({ operations }: ApplyRequest__Output, arrivedAt: number): Promise<void> {
    // After a failure no further batch is answered: the stream has ended.
    this.#answered = this.#answer(operations, this.#answered, arrivedAt);
    return this.#answered;
  }

  reject({ operations }: ApplyRequest__Output, code: status, arrivedAt: number): void {
    this.#parts.counts.reject(operations, code, performance.now() - arrivedAt, this.#sink.details());
  }

  async #answer(operations: Operation__Output[], previous: Promise<void>, arrivedAt: number): Promise<void> {
    await this.#parts.presence.reads.use(this.#sink.peer, async (budget) => {
      const isRightSize = hasRightSize(operations);
      if (!isRightSize) this.reject({ operations }, status.INVALID_ARGUMENT, arrivedAt);
      // Starts before the wait for the previous batch, so that batches start in order.
      const results = isRightSize ? this.#resultsOf(operations, budget, arrivedAt) : undefined;
      await previous;
      if (results === undefined) throw wrongSize(operations.length);
      this.#sink.write({ results: await results });
    });
  }

  async #resultsOf(
    operations: Operation__Output[],
    budget: ReadBudget,
    arrivedAt: number,
  ): Promise<OperationResult[]> {
    const results = await resultsOf(this.#parts, operations, this.#sink, budget);
    // Counted even if an earlier batch has ended the stream: the operations were carried out.
    this.#parts.counts.end(operations, results, performance.now() - arrivedAt, this.#sink.details());
    return results;
  }
}

function hasRightSize({ length }: Operation__Output[]): boolean {
  return length >= 1 && length <= MAX_OPERATIONS;
}

function wrongSize(length: number) {
  return broken(
    'operations',
    `must be 1 to ${MAX_OPERATIONS.toLocaleString('en')}; these are ${length}: send several batches`,
  );
}

/** The result of each operation, in order. Never rejects. */
async function resultsOf(
  { presence, policies }: ApplyParts,
  requests: Operation__Output[],
  sink: StreamSink<ApplyResponse>,
  budget: ReadBudget,
): Promise<OperationResult[]> {
  const operations = requests.map((request) => readOrError(request, policies, sink.permit));
  const carriedOut = operations.filter(isOperation);
  const otherErrors = operations.length - carriedOut.length;
  const answers = showAnswers(carriedOut, await presence.apply(carriedOut, budget), otherErrors);
  let answered = 0;
  return operations.map((operation, i) => {
    const answer = isOperation(operation) ? answers[answered++] : operation;
    if (answer instanceof Error) return failed(sink, answer);
    const explain = requests[i]?.getUser?.explain ?? false;
    return toResult(operation as Operation, answer as Exclude<ShownAnswer, Error>, explain);
  });
}

function readOrError(
  request: Operation__Output,
  policies: Policies,
  permit: Permit | undefined,
): Operation | Error {
  try {
    permit?.checkOperation(request);
    return readOperation(request, policies, permit?.caller);
  } catch (error) {
    return error as Error;
  }
}

function isOperation(operation: Operation | Error): operation is Operation {
  return !(operation instanceof Error);
}

function failed(sink: StreamSink<ApplyResponse>, error: Error): OperationResult {
  const { code, details } = sink.statusOf(error);
  return { error: { code, message: details } };
}
