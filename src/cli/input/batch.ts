import type { CallOptions } from 'imstate-client';
import { CALLS_AT_ONCE } from 'imstate-client/internal/defaults';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { onAbort } from 'imstate-client/internal/shared/onAbort';
import { inKeys } from '../base/commandWords.js';
import { EXIT_BY_SIGNAL } from '../base/signals.js';
import { printable, printableJson } from '../output/printable.js';
import { Progress } from '../output/progress.js';
import { errorJson, toImstateError } from '../output/report.js';
import { openInput } from './inputFile.js';
import { type Line, linesOf } from './lines.js';
import { mapInOrder } from './mapInOrder.js';

/** How long calls in flight can take after a signal. */
const STOP_GRACE_MS = 2_000;

/** The records of a batch, how to print their results, and what ends it. */
export type BatchSource = Pick<Batch<unknown, unknown>, 'records' | 'isJson' | 'stop'>;

/** What a call that did not fail did. */
type Effect = 'changed' | 'unchanged' | 'rejected';

/** Calls for the records of a file, and how to print their results. */
export interface Batch<Request, Result> {
  /** The lines of the file: see {@link recordsOf}. */
  records: AsyncIterator<Line>;
  isJson: boolean;
  /** Ends the batch when it aborts: no further line is read. */
  stop: AbortSignal;
  /** The keys of a record, which errors name. */
  keys: readonly string[];
  /** Reads a line; throws INVALID_ARGUMENT or WRONG_USAGE. */
  read(text: string): Request;
  /** Requests with the same key are made one after the other. */
  keyOf(request: Request): string;
  call(request: Request, options: CallOptions): Promise<Result>;
  /** What the call did; the exit code is 1 unless it changed something. */
  effectOf(result: Result): Effect;
  /** The warnings if the daemon, which is older, ignored fields of the request. */
  ignored(request: Request, result: Result): readonly string[];
  /** One line. */
  describe(request: Request, result: Result): string;
  toJson(request: Request, result: Result): object;
  /** The line at the end. */
  summarize(counts: Readonly<Record<Effect | 'failed', number>>): string;
}

/** The result of one record. */
type Outcome<Request, Result> = { line: number } & (
  | { error: ImstateError }
  | { request: Request; result: Result }
);

/**
 * Makes the call of each record, and prints a line per record in the order of the file. Resolves with the
 * exit code: the highest of all records.
 */
export async function runBatch<Request, Result>(batch: Batch<Request, Result>): Promise<number> {
  const { stop } = batch;
  const progress = new Progress('record', !process.stdout.isTTY);
  const counts = { changed: 0, unchanged: 0, rejected: 0, failed: 0 };
  let exitCode = 0;
  const warnings = new Set<string>();
  const giveUp = new AbortController();
  const removeStop = onAbort(stop, () => giveUpLater(giveUp));
  try {
    const outcomes = mapInOrder(batch.records, CALLS_AT_ONCE, callerOf(batch, giveUp.signal));
    for await (const outcome of outcomes) {
      process.stdout.write(`${show(batch, outcome)}\n`);
      const kind = kindOf(batch, outcome);
      counts[kind] += 1;
      if ('result' in outcome)
        for (const each of batch.ignored(outcome.request, outcome.result)) warnings.add(each);
      exitCode = Math.max(exitCode, 'error' in outcome ? outcome.error.exitCode : Number(kind !== 'changed'));
      progress.add(1);
    }
  } finally {
    removeStop();
    progress.end();
  }
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  const stopped = stop.aborted ? '; stopped by a signal, the rest was not read' : '';
  process.stderr.write(`${batch.summarize(counts)} in ${progress.elapsed}${stopped}\n`);
  return stop.aborted ? EXIT_BY_SIGNAL : exitCode;
}

/** The lines of a file that are not empty. Throws WRONG_USAGE if it cannot be read. */
export async function* recordsOf(file: string, stop: AbortSignal): AsyncGenerator<Line> {
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
  const message = 'no answer before the end of the command: the change may have been applied';
  setTimeout(() => calls.abort(new ImstateError('UNAVAILABLE', message)), STOP_GRACE_MS).unref();
}

/** Makes the call of one record; never rejects. */
function callerOf<Request, Result>(
  batch: Batch<Request, Result>,
  signal: AbortSignal,
): (line: Line) => Promise<Outcome<Request, Result>> {
  /** The call in flight of each key, or the last of several. */
  const inFlight = new Map<string, Promise<unknown>>();
  const inTurn = async (request: Request): Promise<Result> => {
    const key = batch.keyOf(request);
    const before = inFlight.get(key);
    const call = (before ?? Promise.resolve()).then(() => batch.call(request, { signal }));
    const settled = call.catch(() => {});
    inFlight.set(key, settled);
    try {
      return await call;
    } finally {
      if (inFlight.get(key) === settled) inFlight.delete(key);
    }
  };
  return async ({ number: line, text, fault }) => {
    try {
      if (fault !== undefined) throw new ImstateError('INVALID_ARGUMENT', fault);
      const request = batch.read(text);
      return { line, request, result: await inTurn(request) };
    } catch (error) {
      return { line, error: inKeys(toImstateError(error), batch.keys) };
    }
  };
}

function kindOf<Request, Result>(
  batch: Batch<Request, Result>,
  outcome: Outcome<Request, Result>,
): Effect | 'failed' {
  return 'error' in outcome ? 'failed' : batch.effectOf(outcome.result);
}

function show<Request, Result>(batch: Batch<Request, Result>, outcome: Outcome<Request, Result>): string {
  const { line } = outcome;
  if (batch.isJson) {
    const value =
      'error' in outcome ? errorJson(outcome.error) : batch.toJson(outcome.request, outcome.result);
    return printableJson({ line, ...value });
  }
  if ('error' in outcome) return printable(`${line} failed: ${outcome.error.message.replaceAll('\n', ' ')}`);
  return printable(`${line} ${batch.describe(outcome.request, outcome.result)}`);
}
