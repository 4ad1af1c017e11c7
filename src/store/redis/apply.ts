import { ImstateError } from 'imstate-client/internal/shared/errors';
import { PackedText } from '../../presence/packedText.js';
import { Batcher, type BatchResult } from '../batcher.js';
import type { Answer, Operation } from '../operations.js';
import type { ReadBudget } from '../reads.js';
import { type Command, type CommandReply, continueFrom } from './command.js';
import type { Connection } from './connection.js';
import { storeError } from './errors.js';
import { heartbeatCommand } from './heartbeat.js';
import { offlineCommand } from './offline.js';
import { type LoginForm, onlineCommand } from './online.js';
import { encodePolicies } from './policies.js';
import { ReadUserCommand, readDeviceCommand } from './read.js';
import { Leases, Texts } from './replies.js';
import type { ShardScripts } from './ShardScripts.js';
import { END_OF_OPERATION } from './scriptConstants.js';
import { type Shard, shardOf } from './shards.js';
import { validateLoginCommand } from './validateLogin.js';

/**
 * How many commands one script call has at most: a millisecond or two of Redis. A script that touches many
 * records executes only the first of them, see scripts/devices.lua.
 */
const MAX_COMMANDS = 128;

/** The reply of scripts/apply.lua. */
export type ApplyReply = [
  now: number,
  leases: Buffer[],
  strings: Buffer,
  cursor: Buffer,
  ...replies: unknown[],
];

/**
 * Executes commands, many in one call of scripts/apply.lua. The commands of one user are executed in the
 * order in which they arrived.
 */
export class ApplyCalls {
  readonly #scripts: ShardScripts;
  readonly #batcher: Batcher<Command>;

  constructor(scripts: ShardScripts) {
    this.#scripts = scripts;
    const { length } = scripts.shards;
    this.#batcher = new Batcher({
      shards: length,
      maxItems: MAX_COMMANDS,
      shardOf: ({ userId }) => shardOf(userId, length),
      userOf: ({ userId }) => userId,
      send: (commands, shard) => this.#sendIfAvailable(commands, shard),
      onBatch: scripts.options.onBatch,
    });
  }

  /** Resolves with the result or the error of each command. `peer` names the requester, see Batcher.add. */
  run<Result>(commands: readonly Command<Result>[], peer?: string): Promise<(Result | Error)[]> {
    return this.#batcher.add(commands, peer) as Promise<(Result | Error)[]>;
  }

  /** The result of one command; rejects with its error. */
  async runOne<Result>(command: Command<Result>, peer?: string): Promise<Result> {
    const [result] = await this.run([command], peer);
    if (result instanceof Error) throw result;
    return result as Result;
  }

  /** See PresenceStore.apply. */
  apply(operations: readonly Operation[], budget: ReadBudget): Promise<(Answer | Error)[]> {
    const form = this.#scripts.loginForm;
    const commands = operations.map((operation) => commandOf(operation, form, budget));
    return this.run(commands, budget.peer);
  }

  async #sendIfAvailable(commands: Command[], shard: number): Promise<BatchResult<Command>> {
    const { health, shards } = this.#scripts;
    if (health.failureOf(shard) === undefined) return this.#send(commands, shards[shard] as Shard);
    return { answers: commands.map(({ isChange }) => health.failureOf(shard, isChange)), rest: [] };
  }

  async #send(commands: Command[], shard: Shard): Promise<BatchResult<Command>> {
    const { redis, replicas, options } = this.#scripts;
    const settings = this.#scripts.settings();
    let texts = '';
    for (const { text } of commands) texts += text + END_OF_OPERATION;
    const policies = encodePolicies(commands);
    const send = (to: Connection) =>
      to.imApplyBuffer(...shard.keys, ...settings, texts, options.maxDevices, policies);
    const isWrite = commands.some(({ isChange }) => isChange);
    let reply: unknown;
    let notReplicated: Error | undefined;
    try {
      if (isWrite) ({ answer: reply, notReplicated } = await replicas.write(shard, send));
      else reply = await send(redis);
    } catch (error) {
      return { answers: commands.map((command) => failure(command, error)), rest: [] };
    }
    return readReplies(commands, reply as ApplyReply, options.retentionMs, notReplicated);
  }
}

/** The command that executes an operation of a batch. */
export function commandOf(
  { type, request }: Operation,
  form: LoginForm,
  budget: ReadBudget,
): Command<Answer> {
  switch (type) {
    case 'online':
      return onlineCommand(request, form);
    case 'validateLogin':
      return validateLoginCommand(request, form);
    case 'offline':
      return offlineCommand(request);
    case 'heartbeat':
      return heartbeatCommand(request);
    case 'getDevice':
      return readDeviceCommand(request.userId, request.deviceId);
    case 'getUser':
      return new ReadUserCommand(request, budget);
  }
}

/**
 * What the script has done of the commands. A change that too few replicas have is answered by
 * `notReplicated`, the reason for that.
 */
export function readReplies(
  commands: readonly Command[],
  reply: ApplyReply,
  retentionMs: number,
  notReplicated?: Error,
): BatchResult<Command> {
  const [now, leases, strings, cursor, ...replies] = reply;
  const context = { now, leases: new Leases(leases), retentionMs };
  const packed = new PackedText(strings);
  let at = 0;
  const answers = replies.map((each, i) => {
    const command = commands[i] as Command;
    if (each instanceof Error) return failure(command, each);
    let commandReply = each as CommandReply;
    // Negative numbers stand for strings of that length, which are all in `strings`.
    if (typeof each === 'number' && each < 0) {
      const start = at;
      at += -1 - each;
      commandReply = new Texts(packed, start, at);
    }
    if (command.isChange && notReplicated) return notReplicated;
    try {
      return command.readReply(commandReply, context);
    } catch (error) {
      if (error instanceof ImstateError) return error;
      return new Error('a session in Redis cannot be read', { cause: error });
    }
  });
  const rest = commands.slice(answers.length);
  if (cursor.length === 0 || answers.at(-1) instanceof Error) return { answers, rest };
  const part = answers.pop();
  const unfinished = commands[answers.length] as Command;
  return { answers, rest: [continueFrom(unfinished, String(cursor), part), ...rest] };
}

/** Why a command failed; of one that continues another, a part was executed before. */
function failure({ isChange, whole }: Command, error: unknown): ImstateError {
  if (!isChange || whole === undefined) return storeError(error, isChange);
  const message = `${storeError(error, false).message}; the change was applied in part`;
  return new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
}
