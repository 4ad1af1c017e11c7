// CPU time and memory of other processes, from /proc.
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of all threads of a process so far, in seconds, with nanosecond precision. */
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

/** The cost of some work. */
export interface Cost {
  /** Elapsed time. */
  seconds: number;
  /** CPU seconds of each group of processes. */
  cpu: number[];
}

/** Runs `work` and measures the CPU time that groups of processes use meanwhile. */
export async function measureCpu(groups: number[][], work: () => Promise<unknown>): Promise<Cost> {
  const used = () => groups.map((pids) => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0));
  const [before, startedAt] = [used(), performance.now()];
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { seconds, cpu: used().map((after, i) => after - (before[i] as number)) };
}
