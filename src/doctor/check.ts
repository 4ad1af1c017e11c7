import { type ErrorCode, ImstateError, messageOf } from 'imstate-client/internal/shared/errors';

/** What a check found. Where something is to be done the message says what, behind a colon. */
export interface Finding {
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  message: string;
  /** Of a check that failed. */
  code?: ErrorCode;
}

/** What several checks ask, such as Redis. It is asked once. */
export interface Source<Answer = unknown> {
  /** Why the checks that need it are skipped without it. */
  missing: string;
  /** Rejects if it is not to be had. */
  ready(): Promise<Answer>;
}

/** One thing to look at. */
export interface Check {
  /** Stable for programs, such as "redis-memory". */
  name: string;
  /** What must be there first: without it the check is skipped, and another one says why. */
  needs?: Source;
  /** Looks, and changes nothing. Rejects with an ImstateError if that is wrong. */
  run(): Promise<Finding>;
}

/** A finding with its check. */
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

/** Carries out all checks at once, each within `limitMs`, and tells what they found in their order, as early as that allows. */
export async function* runChecks(checks: Check[], limitMs: number): AsyncGenerator<Report, void> {
  for (const report of checks.map((check) => carryOut(check, limitMs))) yield await report;
}

async function carryOut({ name, needs, run }: Check, limitMs: number): Promise<Report> {
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

/** Rejects with DEADLINE_EXCEEDED if the promise has not settled within `limitMs`; whatever it does later is nobody's business. */
async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let limit: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const message = `no answer within ${limitMs} ms: look after it, or give it longer with --timeout`;
    limit = setTimeout(() => reject(new ImstateError('DEADLINE_EXCEEDED', message)), limitMs);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(limit);
  }
}

/** A source that is asked at the first need, within `limitMs`. */
export function once<T>(missing: string, limitMs: number, ask: () => Promise<T>): Source<T> {
  let answer: Promise<T> | undefined;
  return {
    missing,
    ready: () => {
      answer ??= within(limitMs, ask());
      return answer;
    },
  };
}

/** Takes note of what is to be closed. */
export type OnClose = (close: () => unknown) => void;
