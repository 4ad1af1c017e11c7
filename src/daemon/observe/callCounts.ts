import { Histogram } from './histogram.js';

/** How many codes gRPC has: 0 (OK) to 16 (UNAUTHENTICATED). */
const CODES = 17;

/** The calls of one method: how many are open, and how those that are over went, by their code. */
export class MethodCounts {
  readonly service: string;
  readonly method: string;
  /** Whether a call lasts for as long as its caller likes. */
  readonly isStream: boolean;
  open = 0;
  readonly #byCode: (Histogram | undefined)[] = new Array(CODES).fill(undefined);

  /** `path` is as gRPC has it: `/pb.UserStatus/Online`. */
  constructor(path: string, isStream: boolean) {
    const [, service = '', method = ''] = path.split('/');
    [this.service, this.method, this.isStream] = [service, method, isStream];
  }

  /** A call is over. */
  end(code: number, ms: number): void {
    let times = this.#byCode[code];
    if (times === undefined) {
      times = new Histogram();
      this.#byCode[code] = times;
    }
    times.note(ms);
  }

  /** The codes that calls ended with so far, and how long they took. */
  *codes(): Iterable<[code: number, times: Histogram]> {
    for (const [code, times] of this.#byCode.entries()) if (times) yield [code, times];
  }
}

/** The calls of a daemon, method by method. */
export class CallCounts {
  readonly #methods = new Map<string, MethodCounts>();

  /** The counts of a method. It is one that the daemon serves: callers cannot make up more. */
  of(path: string, isStream: boolean): MethodCounts {
    let counts = this.#methods.get(path);
    if (counts === undefined) {
      counts = new MethodCounts(path, isStream);
      this.#methods.set(path, counts);
    }
    return counts;
  }

  methods(): Iterable<MethodCounts> {
    return this.#methods.values();
  }
}
