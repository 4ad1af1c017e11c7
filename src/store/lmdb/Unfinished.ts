import type { WriteTransaction } from './WriteTransaction.js';

/** What an operation returns that is too much for one write transaction: it continues in another one. */
export class Unfinished {
  readonly continue: (tx: WriteTransaction) => unknown;

  constructor(continueIn: (tx: WriteTransaction) => unknown) {
    this.continue = continueIn;
  }
}
