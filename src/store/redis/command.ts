import type { CompactPolicy } from './policies.js';
import type { ReadContext, Texts } from './replies.js';
import { END_OF_ARGUMENT, OPERATION } from './scriptConstants.js';

/** One operation on a user, as scripts/apply.lua executes it: its text, and how to read the reply. */
export interface Command<Result = unknown> {
  readonly userId: string;
  /** The letter of the operation and its arguments. */
  readonly text: string;
  readonly isChange: boolean;
  /** The policy of a login that the text names. */
  readonly policy?: CompactPolicy | undefined;
  /** Turns the reply of the script into the result; throws the error if the operation was rejected. */
  readReply(reply: CommandReply, context: ReadContext): Result;
  /** The result of two parts, for a command that a script may execute in parts. */
  merge?(before: Result, part: Result): Result;
  /** The whole command of which this one executes a further part. */
  readonly whole?: Command<Result>;
}

/** The reply of scripts/apply.lua to a command. */
export type CommandReply = number | Texts | null;

/** The command that continues another one from a cursor; `before` is the result so far. */
export function continueFrom<Result>(
  command: Command<Result>,
  cursor: string,
  before: Result,
): Command<Result> {
  const whole = command.whole ?? command;
  const { userId, isChange, policy, text } = whole;
  return {
    userId,
    isChange,
    policy,
    whole,
    text: `${OPERATION.OP_CONTINUE}${cursor}${END_OF_ARGUMENT}${text}`,
    readReply: (reply, context) => whole.merge?.(before, whole.readReply(reply, context)) as Result,
  };
}

/** The reply to a change that says whether anything changed. */
export function isOne(reply: CommandReply): boolean {
  return reply === 1;
}
