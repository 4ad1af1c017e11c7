import { status } from '@grpc/grpc-js';
import { OperationCounts } from './operationCounts.js';
import { carriesMany, operationOf } from './operationNames.js';
import { Outcomes } from './outcomes.js';

/** The calls of one method: how many are open, and the outcomes of those that are over, by code. */
export class MethodCounts {
  readonly service: string;
  readonly method: string;
  /** True if a call lasts as long as its caller wants. */
  readonly isStream: boolean;
  open = 0;
  readonly #outcomes = new Outcomes();
  /** Where the operations of its calls are counted, if a call may carry several. */
  readonly #operations: Outcomes | undefined;

  /** `path` is that of gRPC: `/pb.UserStatus/Online`. */
  constructor(path: string, isStream: boolean, operations: Outcomes | undefined) {
    const [, service = '', method = ''] = path.split('/');
    [this.service, this.method, this.isStream] = [service, method, isStream];
    this.#operations = operations;
  }

  /** A call that carried `operations` operations is over. */
  end(code: number, ms: number, operations = 1): void {
    this.#outcomes.end(code, ms);
    this.#operations?.end(code, ms, operations);
  }

  /** The codes of calls so far, with the durations. */
  codes(): ReturnType<Outcomes['codes']> {
    return this.#outcomes.codes();
  }

  /** The same for calls that are one operation each; of streams, only those that failed as a whole. */
  *operationCodes(): ReturnType<Outcomes['codes']> {
    if (this.#operations !== undefined) return;
    for (const [code, times] of this.codes()) if (!this.isStream || code !== status.OK) yield [code, times];
  }
}

/** The calls of a daemon, by method. */
export class CallCounts {
  readonly #methods = new Map<string, MethodCounts>();
  readonly operations = new OperationCounts();

  /** The counts of a method. The daemon serves it: callers cannot make up more. */
  of(path: string, isStream: boolean): MethodCounts {
    const known = this.#methods.get(path);
    if (known !== undefined) return known;
    const operation = operationOf(path);
    const operations =
      operation !== undefined && carriesMany(path) ? this.operations.of(operation) : undefined;
    const counts = new MethodCounts(path, isStream, operations);
    if (operation !== undefined) this.operations.addMethod(operation, counts);
    this.#methods.set(path, counts);
    return counts;
  }

  methods(): Iterable<MethodCounts> {
    return this.#methods.values();
  }
}
