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
import type { BatchCounts } from '../observability/batchCounts.js';
import type { Presence } from '../presence.js';
import { type ShownAnswer, showAnswers } from './batchSize.js';
import type { StreamHandler } from './calls.js';
import { readOperation, toResult } from './operations.js';
import type { StreamSink } from './streamSink.js';

const MAX_OPERATIONS = LIMITS.batchOperations.max;
/** Batches of a stream that are carried out at the same time: one is read while another is at the store. */
const BATCHES_AT_ONCE = 4;

/** Takes the batches of one Apply. The store keeps the order of a user's operations; the answers wait for each other. */
export function applyHandler(
  presence: Presence,
  counts: BatchCounts,
  link: StreamSink<ApplyResponse>,
): StreamHandler<ApplyRequest__Output> {
  let before = Promise.resolve();
  const refuse = (operations: Operation__Output[], code: status, arrivedAt: number) =>
    counts.refuse(operations, code, performance.now() - arrivedAt, link.details());
  const resultsOfBatch = async (operations: Operation__Output[], budget: ReadBudget, arrivedAt: number) => {
    const results = await resultsOf(presence, operations, link, budget);
    // Counted even if an earlier batch has ended the stream: it was carried out.
    counts.end(operations, results, performance.now() - arrivedAt, link.details());
    return results;
  };
  const carryOut = async (operations: Operation__Output[], answered: Promise<void>, arrivedAt: number) => {
    // Begun before anything is waited for, so that batches begin in their order.
    await presence.reads.use(link.peer, async (budget) => {
      const isRightSize = hasRightSize(operations);
      if (!isRightSize) refuse(operations, status.INVALID_ARGUMENT, arrivedAt);
      const results = isRightSize ? resultsOfBatch(operations, budget, arrivedAt) : undefined;
      await answered;
      if (results === undefined) throw wrongSize(operations.length);
      link.write({ results: await results });
    });
  };
  return {
    atOnce: BATCHES_AT_ONCE,
    endsWell: true,
    take({ operations }, arrivedAt) {
      const taken = carryOut(operations, before, arrivedAt);
      // Whoever comes after a failure is not answered: the stream has ended.
      before = taken;
      return taken;
    },
    refuse: ({ operations }, code, arrivedAt) => refuse(operations, code, arrivedAt),
  };
}

function hasRightSize({ length }: Operation__Output[]): boolean {
  return length >= 1 && length <= MAX_OPERATIONS;
}

function wrongSize(length: number) {
  return broken('operations', `must be 1 to 1,000; these are ${length}: send several batches`);
}

/** The result of each operation, in order. Never rejects. */
async function resultsOf(
  presence: Presence,
  requests: Operation__Output[],
  link: StreamSink<ApplyResponse>,
  budget: ReadBudget,
): Promise<OperationResult[]> {
  const operations = requests.map((request) => readOrError(request, link.permit));
  const carriedOut = operations.filter(isOperation);
  const otherErrors = operations.length - carriedOut.length;
  const answers = showAnswers(carriedOut, await presence.apply(carriedOut, budget), otherErrors);
  let answered = 0;
  return operations.map((operation, i) => {
    const answer = isOperation(operation) ? answers[answered++] : operation;
    if (answer instanceof Error) return failed(link, answer);
    const explain = requests[i]?.getUser?.explain ?? false;
    return toResult(operation as Operation, answer as Exclude<ShownAnswer, Error>, explain);
  });
}

function readOrError(request: Operation__Output, permit: Permit | undefined): Operation | Error {
  try {
    permit?.checkOperation(request);
    return readOperation(request);
  } catch (error) {
    return error as Error;
  }
}

function isOperation(operation: Operation | Error): operation is Operation {
  return !(operation instanceof Error);
}

function failed(link: StreamSink<ApplyResponse>, error: Error): OperationResult {
  const { code, details } = link.statusOf(error);
  return { error: { code, message: details } };
}
