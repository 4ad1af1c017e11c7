import type { Metric } from 'prom-client';
import type { Histogram } from '../histogram.js';

export type Labels = Record<string, string>;

/** One line that Prometheus reads. */
interface Sample {
  value: number;
  labels?: Labels;
  /** The name, if it is not that of the family: the parts of a histogram. */
  metricName?: string;
}

/** A metric with all its labels. docs/metrics.md has each; a test compares them. */
export interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** Reads the numbers when Prometheus scrapes. If it rejects, the family has no samples. */
  read(): Iterable<Sample> | Promise<Iterable<Sample>>;
}

/** The family for prom-client. Nothing is kept there: each scrape reads what the daemon has counted. */
export function toMetric({ read, ...family }: Family): Metric {
  const get = async () => ({
    ...family,
    aggregator: 'sum',
    values: await Promise.resolve()
      .then(read)
      .then(
        (samples) => [...samples],
        () => [],
      ),
  });
  return { ...family, get } as unknown as Metric;
}

/** A family of one number. */
export function one(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: () => number | Promise<number>,
): Family {
  return { name, type, help, read: async () => [{ value: await value() }] };
}

/** The samples of a histogram. */
export function* samplesOf(name: string, times: Histogram, labels: Labels = {}): Iterable<Sample> {
  for (const [bound, value] of times.buckets()) {
    const le = bound === Infinity ? '+Inf' : String(bound);
    yield { metricName: `${name}_bucket`, labels: { ...labels, le }, value };
  }
  yield { metricName: `${name}_sum`, labels, value: times.sumMs / 1_000 };
  yield { metricName: `${name}_count`, labels, value: times.count };
}
