import { ImstateError } from 'imstate-client/internal/shared/errors';
import { PackedText } from '../../presence/packedText.js';
import { Batcher, type StepResult } from '../batcher.js';
import type { BatchListener } from '../store.js';
import { Leases, Texts } from './answers.js';
import { type Command, goOn, type ScriptAnswer } from './commands.js';
import { type Connection, storeError } from './connection.js';
import type { Replicas } from './replicas.js';
import type { ShardHealth } from './ShardHealth.js';
import { END_OF_OPERATION } from './scriptConstants.js';
import { type Shard, shardOf } from './shards.js';

/**
 * How many commands one script call carries at most: a millisecond or two of Redis. A script that touches many records carries out
 * the first of them only, see scripts/devices.lua.
 */
const MAX_COMMANDS = 128;

/** Why a command failed; of one that goes on, a part was carried out before. */
function failure(error: unknown, { isChange, whole }: Command): ImstateError {
  if (!isChange || whole === undefined) return storeError(error, isChange);
  const message = `${storeError(error, false).message}; the change was applied in part`;
  return new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
}

/** See scripts/apply.lua. */
type ScriptReply = [now: number, leases: Buffer[], strings: Buffer, cursor: Buffer, ...answers: unknown[]];

/** What {@link Batches} work with. */
export interface BatchesOptions {
  redis: Connection;
  replicas: Replicas;
  health: ShardHealth;
  shards: Shard[];
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** How many devices of a user may be online. */
  maxDevices: number;
  /** The arguments that scripts of a shard begin with; the first is the time. */
  settings(): (string | number)[];
  onBatch: BatchListener | undefined;
}

/**
 * Commands, a script call a batch and shard: see scripts/apply.lua. Those of one user are carried out in the order in which they
 * came.
 */
export class Batches {
  readonly #options: BatchesOptions;
  readonly #batcher: Batcher<Command>;

  constructor(options: BatchesOptions) {
    this.#options = options;
    const { onBatch } = options;
    const shards = options.shards.length;
    this.#batcher = new Batcher({
      shards,
      maxItems: MAX_COMMANDS,
      shardOf: ({ userId }) => shardOf(userId, shards),
      userOf: ({ userId }) => userId,
      send: (commands, shard) => this.#sendUnlessDown(commands, shard),
      onBatch,
    });
  }

  /** Carries the commands out; resolves with the result or the failure of each. */
  apply<Result>(commands: readonly Command<Result>[], peer?: string): Promise<(Result | Error)[]> {
    return this.#batcher.add(commands, peer) as Promise<(Result | Error)[]>;
  }

  async #sendUnlessDown(commands: Command[], shard: number): Promise<StepResult<Command>> {
    const { health, shards } = this.#options;
    if (health.failureOf(shard) === undefined) return this.#send(commands, shards[shard] as Shard);
    return { answers: commands.map(({ isChange }) => health.failureOf(shard, isChange)), rest: [] };
  }

  async #send(commands: Command[], shard: Shard): Promise<StepResult<Command>> {
    const { redis, replicas, settings, maxDevices } = this.#options;
    let texts = '';
    for (const { text } of commands) texts += text + END_OF_OPERATION;
    const send = (to: Connection) => to.imApplyBuffer(...shard.keys, ...settings(), texts, maxDevices);
    const isWrite = commands.some(({ isChange }) => isChange);
    let reply: unknown;
    let unsafe: Error | undefined;
    try {
      if (isWrite) ({ answer: reply, unsafe } = await replicas.write(shard, send));
      else reply = await send(redis);
    } catch (error) {
      return { answers: commands.map((command) => failure(error, command)), rest: [] };
    }
    return this.#read(commands, reply as ScriptReply, unsafe);
  }

  /** What the script has done of the commands; a change that is not safe yet is answered with why. */
  #read(commands: Command[], reply: ScriptReply, unsafe: Error | undefined): StepResult<Command> {
    const { retentionMs } = this.#options;
    const [now, leases, strings, cursor, ...answers] = reply;
    const context = { now, leases: new Leases(leases), retentionMs };
    const packed = new PackedText(strings);
    let at = 0;
    const answerOf = (answer: unknown): ScriptAnswer => {
      if (typeof answer !== 'number' || answer >= 0) return answer as number | null;
      const start = at;
      at += -1 - answer;
      return new Texts(packed, start, at);
    };
    const results = answers.map((answer, i) => {
      const command = commands[i] as Command;
      if (answer instanceof Error) return failure(answer, command);
      // Before the result, which may fail: the next string begins behind this one.
      const given = answerOf(answer);
      if (command.isChange && unsafe) return unsafe;
      try {
        return command.result(given, context);
      } catch (error) {
        if (error instanceof ImstateError) return error;
        return new Error('a session in Redis cannot be read', { cause: error });
      }
    });
    const rest = commands.slice(results.length);
    if (cursor.length === 0 || results.at(-1) instanceof Error) return { answers: results, rest };
    const part = results.pop();
    return {
      answers: results,
      rest: [goOn(commands[results.length] as Command, String(cursor), part), ...rest],
    };
  }
}
