import type { MethodCounts } from '../observability/callCounts.js';
import type { RequestRule } from './requests/requestRules.js';

/** Kinds of calls, each with its limit. `vital` shares the limit of `call`, and has extra room. */
export type Kind = 'call' | 'vital' | 'watch' | 'apply' | 'lease' | 'probe' | 'stream';

/** What the calls of a method have in common. */
export interface Method {
  readonly path: string;
  readonly kind: Kind;
  /** True if the caller sends a stream of messages. */
  readonly isRequestStream: boolean;
  /** True if one request has one response. */
  readonly isUnary: boolean;
  /** True if the method only reads, and its response may be large. */
  readonly isRead: boolean;
  readonly rule: RequestRule;
  readonly counts: MethodCounts;
  /** How many operations a request carries; undefined if it is always one. */
  readonly operationsIn: ((request: unknown) => number) | undefined;
}
