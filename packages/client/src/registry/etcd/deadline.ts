/** Longest wait for one answer of etcd. */
export const ETCD_CALL_MS = 2_000;

/** Call options with the deadline of one call. */
export function callDeadline(): { deadline: number } {
  return { deadline: Date.now() + ETCD_CALL_MS };
}
