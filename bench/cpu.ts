// CPU time of other processes.
import { readdirSync, readFileSync } from 'node:fs';

/** Seconds that all threads of a process have been running so far, to the nanosecond. */
function cpuSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}

/** What some work took. */
export interface Cost {
  seconds: number;
  /** CPU seconds of each group of processes. */
  cpu: number[];
}

/** Does the work and counts the CPU time of groups of processes meanwhile. */
export async function costOf(groups: number[][], work: () => Promise<unknown>): Promise<Cost> {
  const used = () => groups.map((pids) => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0));
  const [before, startedAt] = [used(), performance.now()];
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { seconds, cpu: used().map((after, i) => after - (before[i] as number)) };
}
