import { ask } from './http.ts';

/** A family of /metrics. */
export interface LiveFamily {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

/** Reads /metrics of a daemon, with a token if it requires one. */
export async function scrape(url: string | undefined, token?: string): Promise<Map<string, LiveFamily>> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { status, text } = await ask(`${url}/metrics`, { headers });
  if (status !== 200) throw new Error(`/metrics answered ${status}: ${text}`);
  return parseMetrics(text);
}

/** The sum of the samples with these labels, as in Prometheus; 0 if there is none. */
export function sumOf(
  families: Map<string, LiveFamily>,
  name: string,
  labels: Record<string, string> = {},
): number {
  const samples = [...families.values()].flatMap((family) => family.samples);
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return found.reduce((sum, { value }) => sum + value, 0);
}

/** Reads the text format of Prometheus. */
function parseMetrics(text: string): Map<string, LiveFamily> {
  const families = new Map<string, LiveFamily>();
  let current: LiveFamily | undefined;
  for (const line of text.split('\n')) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') {
      current = { type: '', help: rest, samples: [] };
      families.set(name, current);
    } else if (word === 'TYPE' && current) current.type = rest;
    else if (line !== '') current?.samples.push(parseSample(line));
  }
  return families;
}

function parseSample(line: string): LiveFamily['samples'][number] {
  const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/i.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const [, name = '', labels = '', value] = match;
  const pairs = [...labels.matchAll(/([a-z_]+)="([^"]*)"/gi)].map(([, key, text]) => [key, text]);
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}
