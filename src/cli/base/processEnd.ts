/**
 * Exits after this time, even if something keeps the process alive: a connection that the other side does not
 * close, or a request that cannot be cancelled. `exitCode` replaces the exit code of the process.
 */
export function exitWithin(graceMs: number, exitCode?: number): void {
  setTimeout(() => process.exit(exitCode), graceMs).unref();
}

/**
 * Limits DNS queries to 2 s, unless RES_OPTIONS is set. Node.js can neither cancel a lookup nor exit before
 * it ends, which takes 10 s by default if the name servers do not answer. Must be called before the first
 * lookup.
 */
export function boundNameLookups(): void {
  process.env.RES_OPTIONS ??= 'timeout:1 attempts:2';
}
