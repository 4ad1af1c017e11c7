import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { Batcher, type BatchResult } from '../batcher.js';
import type { Operation } from '../operations.js';
import type { ReadBudget } from '../reads.js';
import type { StoreOptions } from '../store.js';
import { WORK } from '../work.js';
import { heartbeat } from './heartbeat.js';
import { offline } from './offline.js';
import { online } from './online.js';
import { readDevice, readUser } from './read.js';
import type { Tables } from './tables.js';
import { Unfinished } from './Unfinished.js';
import { validateLogin } from './validateLogin.js';
import { TransactionWork, WriteTransaction } from './WriteTransaction.js';

/** How many operations one write transaction has at most: everything else waits for it. */
const MAX_OPERATIONS = 256;

/** An operation to be executed. */
interface Call {
  /** '' if it is not for one user. */
  readonly userId: string;
  /** May return {@link Unfinished}. */
  readonly run: (tx: WriteTransaction) => unknown;
}

/** What a {@link Transactions} works with. */
export interface TransactionsOptions extends StoreOptions {
  dataDir: string;
  /** The tables; throws while the store is not open. */
  tables(): Tables;
  /** Milliseconds since 1970. */
  now(): number;
  /** A write transaction is on disk. */
  onCommit(): void;
}

/** Executes operations, many in one write transaction; each is answered when its transaction is on disk. */
export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #batcher: Batcher<Call>;
  /** How many records were read at once in this turn of the event loop. */
  #readInTurn = 0;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.#batcher = new Batcher<Call>({
      shards: 1,
      maxItems: MAX_OPERATIONS,
      shardOf: () => 0,
      userOf: ({ userId }) => userId,
      send: (calls) => this.#commit(calls),
      onBatch: options.onBatch,
    });
  }

  /** Resolves with what each operation returns or throws. `peer` names the requester, see Batcher.add. */
  run(calls: readonly Call[], peer?: string): Promise<unknown[]> {
    return this.#batcher.add(calls, peer);
  }

  /** As {@link run}, for one operation; rejects with its error. */
  async runOne<T>(call: Call, peer?: string): Promise<T> {
    const [answer] = await this.#batcher.add([call], peer);
    if (answer instanceof Error) throw answer;
    return answer as T;
  }

  /**
   * As {@link run}, for operations that only read. They are executed at once, without a write transaction,
   * unless there are changes to wait for, or this turn of the event loop has read much already.
   */
  async runReads(calls: readonly Call[], peer?: string): Promise<unknown[]> {
    if (!this.#batcher.isIdle(0) || this.#readInTurn >= WORK.max) return this.#batcher.add(calls, peer);
    const work = new TransactionWork();
    const { answers, rest } = this.#execute(calls, work);
    this.#noteRead(work.done);
    // In this same turn, before later changes of others.
    return [...answers, ...(await this.#batcher.add(rest, peer))];
  }

  #noteRead(records: number): void {
    if (this.#readInTurn === 0 && records > 0)
      setImmediate(() => {
        this.#readInTurn = 0;
      });
    this.#readInTurn += records;
  }

  /**
   * One transaction, committed before this returns: the asynchronous one of lmdb rejects promises of its own
   * that nobody can handle when the disk is full, and is no faster.
   */
  async #commit(calls: Call[]): Promise<BatchResult<Call>> {
    const { root } = this.#options.tables();
    try {
      const result = root.transactionSync(() => this.#execute(calls, new TransactionWork()));
      this.#options.onCommit();
      return result;
    } catch (error) {
      const message = `the data directory ${this.#options.dataDir} cannot be written (${messageOf(error)}); nothing was changed`;
      throw new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
    }
  }

  /** Executes the operations in order, until they have done as much work as one transaction may. */
  #execute(calls: readonly Call[], work: TransactionWork): BatchResult<Call> {
    const answers: unknown[] = [];
    while (answers.length < calls.length && work.done < WORK.max) {
      const { userId, run } = calls[answers.length] as Call;
      const answer = this.#executeOne(run, work);
      if (answer instanceof Unfinished)
        return { answers, rest: [{ userId, run: answer.continue }, ...calls.slice(answers.length + 1)] };
      answers.push(answer);
    }
    return { answers, rest: calls.slice(answers.length) };
  }

  /**
   * What the operation returns or throws: one that fails has written nothing, and does not affect the others.
   */
  #executeOne(run: Call['run'], work: TransactionWork): unknown {
    try {
      return run(new WriteTransaction(this.#options.tables(), this.#options, this.#options.now(), work));
    } catch (error) {
      return error;
    }
  }
}

/** The call that executes an operation of a batch. */
export function callOf(operation: Operation, budget: ReadBudget): Call {
  return { userId: operation.request.userId, run: (tx) => execute(tx, operation, budget) };
}

function execute(tx: WriteTransaction, { type, request }: Operation, budget: ReadBudget): unknown {
  switch (type) {
    case 'online':
      return online(tx, request);
    case 'validateLogin':
      return validateLogin(tx, request);
    case 'offline':
      return offline(tx, request);
    case 'heartbeat':
      return heartbeat(tx, request);
    case 'getDevice':
      return readDevice(tx, request.userId, request.deviceId);
    case 'getUser':
      return readUser(tx, request, budget);
  }
}
