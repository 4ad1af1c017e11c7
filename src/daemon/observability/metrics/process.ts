import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { type Family, one } from './family.js';

const RESOLUTION_MS = 20;
const QUANTILES = [0.5, 0.99, 1] as const;

/** The process, under the names that dashboards for Node.js know, where they exist. */
export class ProcessFamilies {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delay.enable();
  }

  close(): void {
    this.#delay.disable();
  }

  families(): Family[] {
    const memory = (name: string, help: string, key: keyof NodeJS.MemoryUsage) =>
      one('gauge', name, help, () => process.memoryUsage()[key]);
    return [
      {
        name: 'imstate_event_loop_delay_seconds',
        type: 'gauge',
        help: 'Event loop lag since the previous scrape: median, 0.99, and maximum (1).',
        read: () => this.#delays(),
      },
      memory('process_resident_memory_bytes', 'Memory of the process.', 'rss'),
      memory('nodejs_heap_size_total_bytes', 'Heap of JavaScript.', 'heapTotal'),
      memory('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', 'heapUsed'),
      memory(
        'nodejs_external_memory_bytes',
        'Memory outside the heap that JavaScript objects hold.',
        'external',
      ),
      one('counter', 'process_cpu_seconds_total', 'CPU time used.', cpuSeconds),
      one('gauge', 'process_start_time_seconds', 'Start time of the process, in seconds since 1970.', () => {
        return performance.timeOrigin / 1_000;
      }),
    ];
  }

  *#delays() {
    for (const quantile of QUANTILES) {
      const ms = this.#delay.count === 0 ? RESOLUTION_MS : this.#delay.percentile(quantile * 100) / 1e6;
      // The histogram holds the time between two timers that should be this far apart.
      const value = Math.max(0, ms - RESOLUTION_MS) / 1_000;
      yield { labels: { quantile: String(quantile) }, value };
    }
    this.#delay.reset();
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
