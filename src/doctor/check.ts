import { type ErrorCode, ImstateError, messageOf } from 'imstate-client/internal/shared/errors';

/** The result of a check. If there is a problem, the message says what to do after a colon. */
export interface Finding {
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  message: string;
  /** The error of a failed check. */
  code?: ErrorCode;
}

/** Something that several checks need, such as Redis. It is queried once. */
export interface Source<Answer = unknown> {
  /** Why checks are skipped if it is not available. */
  missing: string;
  /** Rejects if it is not available. */
  ready(): Promise<Answer>;
}

/** One check. */
export interface Check {
  /** Stable for programs, such as "redis-memory". */
  name: string;
  /** What it needs: if that is not available, the check is skipped, and another check reports the reason. */
  needs?: Source;
  /** Changes nothing. Rejects with an ImstateError if the check fails. */
  run(): Promise<Finding>;
}

/** A finding and its check. */
export interface Report extends Finding {
  check: string;
  /** How long the check took, without what it needs. Milliseconds. */
  durationMs: number;
}

export function ok(message: string): Finding {
  return { status: 'ok', message };
}

export function warning(message: string): Finding {
  return { status: 'warning', message };
}

export function skipped(message: string): Finding {
  return { status: 'skipped', message };
}

/** Checks that do not apply, and why. */
export function notApplicable(names: readonly string[], why: string): Check[] {
  return names.map((name) => ({ name, run: async () => skipped(why) }));
}

/** Runs all checks at once, each within `limitMs`. Yields the reports in order, as soon as possible. */
export async function* runChecks(checks: Check[], limitMs: number): AsyncGenerator<Report, void> {
  for (const report of checks.map((check) => runCheck(check, limitMs))) yield await report;
}

async function runCheck({ name, needs, run }: Check, limitMs: number): Promise<Report> {
  const isReady = await (needs?.ready() ?? Promise.resolve()).then(
    () => true,
    () => false,
  );
  const startedAt = performance.now();
  const finding = isReady ? await within(limitMs, run()).catch(failed) : skipped(needs?.missing ?? '');
  const durationMs = Math.round((performance.now() - startedAt) * 100) / 100;
  return { check: name, durationMs, ...finding };
}

function failed(error: unknown): Finding {
  const code = error instanceof ImstateError ? error.code : 'INTERNAL';
  return { status: 'failed', code, message: messageOf(error) };
}

/** Rejects with DEADLINE_EXCEEDED if the promise has not settled within `limitMs`. */
async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let limit: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const message = `no answer within ${limitMs} ms: check whether it is overloaded, or raise --timeout`;
    limit = setTimeout(() => reject(new ImstateError('DEADLINE_EXCEEDED', message)), limitMs);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(limit);
  }
}

/** A source that is queried when it is first needed, within `limitMs`. */
export function once<T>(missing: string, limitMs: number, query: () => Promise<T>): Source<T> {
  let answer: Promise<T> | undefined;
  return {
    missing,
    ready: () => {
      answer ??= within(limitMs, query());
      return answer;
    },
  };
}

/** Registers a function that closes something at the end. */
export type OnClose = (close: () => unknown) => void;
