import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { LiveFamily } from './metrics.ts';
import { temporaryDirectory } from './servers.ts';

const RULES = 'deploy/alerts.yaml';
const INSTANCE = '10.0.0.5:9090';
const MINUTES = 30;

type Scraped = Map<string, LiveFamily>;

/**
 * The alerts of deploy/alerts.yaml that fire if the metrics of a daemon change every minute, for half an
 * hour, as between the two scrapes. Uses the rule tests of Prometheus.
 */
export async function firingAlerts(before: Scraped, after: Scraped): Promise<string[]> {
  const names = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name as string);
  const folder = await temporaryDirectory();
  try {
    const path = join(folder.path, 'test.yaml');
    const base = { interval: '1m', input_series: seriesOf(before, after) };
    // An unexpected alert fails only the test of its name.
    const isFiring = async (alertname: string) => {
      const alert_rule_test = [{ eval_time: `${MINUTES}m`, alertname, exp_alerts: [] }];
      const file = {
        rule_files: [resolve(RULES)],
        evaluation_interval: '1m',
        tests: [{ ...base, alert_rule_test }],
      };
      await writeFile(path, stringify(file));
      return fails(path, alertname);
    };
    const firing: string[] = [];
    for (const name of names) if (await isFiring(name)) firing.push(name);
    return firing;
  } finally {
    await folder.remove();
  }
}

/** The errors that promtool finds in the rules; '' if none. */
export function checkRules(): string {
  const { status, stderr } = spawnSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' });
  return status === 0 ? '' : stderr;
}

function fails(path: string, alertname: string): boolean {
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
  if (status === 0) return false;
  if (stderr.includes(`alertname: ${alertname}`) && stderr.includes(`alertname="${alertname}"`)) return true;
  throw new Error(`promtool test rules: ${stdout}${stderr}`);
}

function seriesOf(before: Scraped, after: Scraped): { series: string; values: string }[] {
  const first = new Map(
    [...before.values()].flatMap(({ samples }) => samples.map((each) => [nameOf(each), each.value])),
  );
  return [...after.values()].flatMap(({ type, samples }) =>
    samples.map((sample) => {
      const series = nameOf(sample);
      const step = type === 'gauge' ? 0 : sample.value - (first.get(series) ?? 0);
      return { series, values: `${sample.value}+${step}x${MINUTES}` };
    }),
  );
}

function nameOf({ name, labels }: LiveFamily['samples'][number]): string {
  const pairs = Object.entries({ ...labels, job: 'imstate', instance: INSTANCE });
  return `${name}{${pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}}`;
}
