import type { Logger } from 'pino';

/** What a daemon goes without if the patch does not apply, by patch. */
const LOST = {
  http2StreamTable: 'calls take more CPU time',
  grpcHttp2Sessions: 'connections do not age, and headers that HTTP/2 rejects are not noticed',
  grpcCall: 'answers that nobody reads are not reset, and requests have one common limit',
  grpcLongTimeout: 'a grpc-timeout of 25 days or more ends its call early',
} as const;

/** Warns of each patch that does not apply to the installed version of its dependency, once. */
export class PatchReport {
  readonly #log: Logger;
  readonly #missing = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Takes what applying a patch returned. */
  note(patch: keyof typeof LOST, isApplied: boolean): void {
    if (isApplied || this.#missing.has(patch)) return;
    this.#missing.add(patch);
    this.#log.warn(
      { patch, lost: LOST[patch], node: process.versions.node },
      'a patch does not apply to this version of its dependency: see docs/dependencies.md, "Patches"',
    );
  }
}
