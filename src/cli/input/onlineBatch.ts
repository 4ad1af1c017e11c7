import type { CallOptions, OnlineRequest, OnlineResult } from 'imstate-client';
import { loginJson } from 'imstate-client/internal/json';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { onAbort } from 'imstate-client/internal/shared/onAbort';
import { inKeys } from '../base/commandWords.js';
import { EXIT_BY_SIGNAL } from '../base/signals.js';
import { describeLogin } from '../output/onlineReport.js';
import { printable, printableJson } from '../output/printable.js';
import { Progress } from '../output/progress.js';
import { errorJson, toImstateError } from '../output/report.js';
import { openInput } from './inputFile.js';
import { type Line, linesOf } from './lines.js';
import { mapInOrder } from './mapInOrder.js';
import { RECORD_KEYS, readRecord } from './onlineRecord.js';

/** How long calls in flight can take after a signal. */
const STOP_GRACE_MS = 2_000;

/** A batch of logins, and how to print it. */
export interface OnlineBatch {
  /** A file of logins, a JSON object per line; "-" is stdin. */
  file: string;
  /** Defaults for fields that a record omits. */
  defaults: Partial<OnlineRequest>;
  online: (request: OnlineRequest, options: CallOptions) => Promise<OnlineResult>;
  /** Maximum number of concurrent calls. */
  concurrency: number;
  isJson: boolean;
  /** Ends the batch when it aborts: no further line is read. */
  stop: AbortSignal;
}

/** The result of one record. */
type Outcome = { line: number } & (
  | { error: ImstateError }
  | { request: OnlineRequest; result: OnlineResult }
);

/**
 * Reports the logins of a file, and prints a line per record in the order of the file. The logins of one user
 * are reported one after the other. Resolves with the exit code: the highest of all records.
 */
export async function runOnlineBatch(batch: OnlineBatch): Promise<number> {
  const { isJson, stop } = batch;
  const progress = new Progress('record', !process.stdout.isTTY);
  const counts = { done: 0, unchanged: 0, failed: 0 };
  let exitCode = 0;
  const giveUp = new AbortController();
  const removeStop = onAbort(stop, () => giveUpLater(giveUp));
  try {
    const records = recordsOf(batch);
    for await (const outcome of mapInOrder(records, batch.concurrency, reporter(batch, giveUp.signal))) {
      process.stdout.write(`${isJson ? printableJson(toJson(outcome)) : printable(describe(outcome))}\n`);
      counts[kindOf(outcome)] += 1;
      exitCode = Math.max(exitCode, exitCodeOf(outcome));
      progress.add(1);
    }
  } finally {
    removeStop();
    progress.end();
  }
  const stopped = stop.aborted ? '; stopped by a signal, the rest was not read' : '';
  const { done, unchanged, failed } = counts;
  const summary = `${done} online, ${unchanged} unchanged, ${failed} failed in ${progress.elapsed}${stopped}`;
  process.stderr.write(`${summary}\n`);
  return stop.aborted ? EXIT_BY_SIGNAL : exitCode;
}

async function* recordsOf({ file, stop }: OnlineBatch): AsyncGenerator<Line> {
  try {
    for await (const line of linesOf(openInput(file), stop)) {
      if (line.fault !== undefined || line.text.trim() !== '') yield line;
    }
  } catch (error) {
    const message = `--file ${file} cannot be read (${messageOf(error)}): name a file, or - for standard input`;
    throw new ImstateError('WRONG_USAGE', message, { cause: error, field: '--file' });
  }
}

/** Cancels the calls in flight that take too long after a signal. */
function giveUpLater(calls: AbortController): void {
  const message = 'no answer before the end of the command: the login may have been applied';
  setTimeout(() => calls.abort(new ImstateError('UNAVAILABLE', message)), STOP_GRACE_MS).unref();
}

/** Reports one record; never rejects. */
function reporter({ defaults, online }: OnlineBatch, signal: AbortSignal): (line: Line) => Promise<Outcome> {
  /** The call in flight of each user, or the last of several. */
  const inFlight = new Map<string, Promise<unknown>>();
  const inTurn = async (request: OnlineRequest): Promise<OnlineResult> => {
    const before = inFlight.get(request.userId);
    const call = (before ?? Promise.resolve()).then(() => online(request, { signal }));
    const settled = call.catch(() => {});
    inFlight.set(request.userId, settled);
    try {
      return await call;
    } finally {
      if (inFlight.get(request.userId) === settled) inFlight.delete(request.userId);
    }
  };
  return async ({ number: line, text, fault }) => {
    try {
      if (fault !== undefined) throw new ImstateError('INVALID_ARGUMENT', fault);
      const request = readRecord(text, defaults);
      return { line, request, result: await inTurn(request) };
    } catch (error) {
      return { line, error: inKeys(toImstateError(error), RECORD_KEYS) };
    }
  };
}

function kindOf(outcome: Outcome): 'done' | 'unchanged' | 'failed' {
  if ('error' in outcome) return 'failed';
  return outcome.result.endReason === undefined ? 'done' : 'unchanged';
}

function exitCodeOf(outcome: Outcome): number {
  if ('error' in outcome) return outcome.error.exitCode;
  return outcome.result.endReason === undefined ? 0 : 1;
}

function toJson(outcome: Outcome): object {
  const { line } = outcome;
  if ('error' in outcome) return { line, ...errorJson(outcome.error) };
  return { line, ...loginJson(outcome.request, outcome.result) };
}

function describe(outcome: Outcome): string {
  const { line } = outcome;
  if ('error' in outcome) return `${line} failed: ${outcome.error.message.replaceAll('\n', ' ')}`;
  return `${line} ${describeLogin(outcome.request, outcome.result).join('; ')}`;
}
