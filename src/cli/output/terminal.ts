/** True if output can be rewritten: on a terminal that moves its cursor. */
export function isRewritable({ isTTY }: { isTTY?: boolean }): boolean {
  return isTTY === true && process.env.TERM !== 'dumb';
}
