/**
 * Ends the process after this time unless nothing keeps it alive any longer: a connection may be left that the other side does not
 * close, or a request that cannot be cancelled. `exitCode` replaces the one that the process would end with.
 */
export function exitWithin(graceMs: number, exitCode?: number): void {
  setTimeout(() => process.exit(exitCode), graceMs).unref();
}

/**
 * Lets the resolver of the system give up a name after 2 s, unless RES_OPTIONS says otherwise. Node.js can neither cancel a look-up
 * that is under way nor exit before it is over, and by default that takes 10 s where the name servers do not answer. Must be called
 * before the first name is looked up.
 */
export function boundNameLookups(): void {
  process.env.RES_OPTIONS ??= 'timeout:1 attempts:2';
}
