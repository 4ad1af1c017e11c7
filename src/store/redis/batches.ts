import { PackedText } from '../../packedText.js';
import { Batcher } from '../batcher.js';
import type { StepListener } from '../store.js';
import { Leases, Texts } from './answers.js';
import type { Command, ScriptAnswer } from './commands.js';
import { type Connection, storeError } from './connection.js';
import type { Replicas } from './replicas.js';
import { type Shard, shardOf } from './shards.js';

/** How many commands one script call carries at most: a millisecond or two of Redis. */
const MOST_COMMANDS = 128;

/** Control characters occur in no command, but for those that end its parts. */
const END_OF_COMMAND = '\x1e';

/** What {@link Batches} work with. */
export interface BatchesOptions {
  redis: Connection;
  replicas: Replicas;
  shards: Shard[];
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** The arguments that scripts of a shard begin with; the first is the time. */
  settings(): (string | number)[];
  onStep: StepListener | undefined;
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
    const { onStep } = options;
    const shards = options.shards.length;
    this.#batcher = new Batcher({
      shards,
      maxItems: MOST_COMMANDS,
      shardOf: ({ userId }) => shardOf(userId, shards),
      send: (commands, shard) => this.#send(commands, options.shards[shard] as Shard),
      onStep,
    });
  }

  /** Carries the commands out; resolves with the result or the failure of each. */
  apply<Result>(commands: readonly Command<Result>[]): Promise<(Result | Error)[]> {
    return this.#batcher.add(commands) as Promise<(Result | Error)[]>;
  }

  async #send(commands: Command[], shard: Shard): Promise<unknown[]> {
    const { redis, replicas, settings, retentionMs } = this.#options;
    let texts = '';
    for (const { text } of commands) texts += text + END_OF_COMMAND;
    const send = (to: Connection) => to.imApplyBuffer(...shard.keys, ...settings(), texts);
    const isWrite = commands.some(({ isChange }) => isChange);
    let reply: unknown;
    let unsafe: Error | undefined;
    try {
      if (isWrite) ({ answer: reply, unsafe } = await replicas.write(shard, send));
      else reply = await send(redis);
    } catch (error) {
      return commands.map(({ isChange }) => storeError(error, isChange));
    }
    const [now, leases, strings, ...answers] = reply as [number, Buffer[], Buffer, ...unknown[]];
    const context = { now, leases: new Leases(leases), retentionMs };
    const packed = new PackedText(strings);
    let at = 0;
    const answerOf = (answer: unknown): ScriptAnswer => {
      if (typeof answer !== 'number' || answer >= 0) return answer as number | null;
      const start = at;
      at += -1 - answer;
      return new Texts(packed, start, at);
    };
    return commands.map(({ isChange, result }, i) => {
      const answer = answers[i];
      if (answer instanceof Error) return storeError(answer, isChange);
      // Before the result, which may fail: the next string begins behind this one.
      const given = answerOf(answer);
      if (isChange && unsafe) return unsafe;
      try {
        return result(given, context);
      } catch (error) {
        return new Error('a session in Redis cannot be read', { cause: error });
      }
    });
  }
}
