/** What an operation gives that is too much for one write transaction: it has done a part, and goes on in another one. */
export class Unfinished {
  readonly goOn: () => unknown;

  constructor(goOn: () => unknown) {
    this.goOn = goOn;
  }
}
