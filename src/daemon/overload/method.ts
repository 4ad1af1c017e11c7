import type { MethodCounts } from '../observability/callCounts.js';
import type { RequestRule } from './requests/requestRules.js';

/** Calls that share a bound. What is vital shares that of calls, and has room on top. */
export type Kind = 'call' | 'vital' | 'watch' | 'apply' | 'lease' | 'probe' | 'stream';

/** What the calls of a method have in common. */
export interface Method {
  readonly path: string;
  readonly kind: Kind;
  /** Whether the messages of the caller are a stream. */
  readonly isRequestStream: boolean;
  /** Whether one request has one answer. */
  readonly isUnary: boolean;
  /** True if a call changes nothing, and its answer may be large. */
  readonly isRead: boolean;
  readonly rule: RequestRule;
  readonly counts: MethodCounts;
  /** How many operations a request carries; undefined where that is always one. */
  readonly operationsIn: ((request: unknown) => number) | undefined;
}
