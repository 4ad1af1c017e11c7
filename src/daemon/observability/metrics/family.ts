import type { Metric } from 'prom-client';
import type { Histogram } from '../histogram.js';

export type Labels = Record<string, string>;

/** One line of what Prometheus reads. */
interface Sample {
  value: number;
  labels?: Labels;
  /** Where it is not that of the family: the parts of a histogram. */
  metricName?: string;
}

/** A metric with all its labels. docs/metrics.md has each; a test holds the two together. */
export interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** Reads the numbers, when Prometheus asks. What it rejects with leaves the family without any. */
  read(): Iterable<Sample> | Promise<Iterable<Sample>>;
}

/** The family as prom-client takes it: nothing is kept there, each scrape reads what the daemon has counted. */
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

/** What a histogram is for Prometheus. */
export function* samplesOf(name: string, times: Histogram, labels: Labels = {}): Iterable<Sample> {
  for (const [bound, value] of times.buckets()) {
    const le = bound === Infinity ? '+Inf' : String(bound);
    yield { metricName: `${name}_bucket`, labels: { ...labels, le }, value };
  }
  yield { metricName: `${name}_sum`, labels, value: times.sumMs / 1_000 };
  yield { metricName: `${name}_count`, labels, value: times.count };
}
