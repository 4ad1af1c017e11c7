/** Timeout of one request to etcd. Milliseconds. */
export const ETCD_CALL_MS = 2_000;

/** Call options with this deadline. */
export function callDeadline(): { deadline: number } {
  return { deadline: Date.now() + ETCD_CALL_MS };
}
