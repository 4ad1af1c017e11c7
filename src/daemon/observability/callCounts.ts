import { status } from '@grpc/grpc-js';
import { OperationCounts } from './operationCounts.js';
import { operationOf, operationsIn } from './operations.js';
import { Outcomes } from './outcomes.js';

/** The calls of one method: how many are open, and how those that are over went, by their code. */
export class MethodCounts {
  readonly service: string;
  readonly method: string;
  /** Whether a call lasts for as long as its caller likes. */
  readonly isStream: boolean;
  open = 0;
  readonly #outcomes = new Outcomes();
  /** Where the operations of its calls are counted, where a call may carry several. */
  readonly #operations: Outcomes | undefined;

  /** `path` is as gRPC has it: `/pb.UserStatus/Online`. */
  constructor(path: string, isStream: boolean, operations: Outcomes | undefined) {
    const [, service = '', method = ''] = path.split('/');
    [this.service, this.method, this.isStream] = [service, method, isStream];
    this.#operations = operations;
  }

  /** A call is over, which carried so many operations. */
  end(code: number, ms: number, operations = 1): void {
    this.#outcomes.end(code, ms);
    this.#operations?.end(code, ms, operations);
  }

  /** The codes that calls ended with so far, and how long they took. */
  codes(): ReturnType<Outcomes['codes']> {
    return this.#outcomes.codes();
  }

  /** The same of calls that are one operation each; of streams, only those that failed as a whole. */
  *operationCodes(): ReturnType<Outcomes['codes']> {
    if (this.#operations !== undefined) return;
    for (const [code, times] of this.codes()) if (!this.isStream || code !== status.OK) yield [code, times];
  }
}

/** The calls of a daemon, method by method. */
export class CallCounts {
  readonly #methods = new Map<string, MethodCounts>();
  readonly operations = new OperationCounts();

  /** The counts of a method. It is one that the daemon serves: callers cannot make up more. */
  of(path: string, isStream: boolean): MethodCounts {
    const known = this.#methods.get(path);
    if (known !== undefined) return known;
    const operation = operationOf(path);
    const carriesMany = operation !== undefined && operationsIn(path) !== undefined;
    const counts = new MethodCounts(path, isStream, carriesMany ? this.operations.of(operation) : undefined);
    if (operation !== undefined) this.operations.addMethod(operation, counts);
    this.#methods.set(path, counts);
    return counts;
  }

  methods(): Iterable<MethodCounts> {
    return this.#methods.values();
  }
}
