import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../../oclif.manifest.json' with { type: 'json' };
import { connect } from '../../../packages/client/src/index.ts';
import { Authority } from '../../support/authority.ts';
import { TokenFile } from '../../support/credentials.ts';
import { disposables } from '../../support/disposables.ts';
import { ask } from '../../support/http.ts';
import { canChangeUser } from '../../support/unknownUser.ts';
import { until } from '../../support/until.ts';
import {
  faultsOf,
  hasKubectl,
  kustomizations,
  type Manifest,
  overlay,
  theOnly,
  writtenManifests,
} from './manifests.ts';
import { startPod } from './pod.ts';

const OVERLAYS = ['development', 'production'];

/** Variables that daemons of these tests do not share with others. */
const ownEnv = () => ({
  IMSTATE_KEY_PREFIX: `test-${randomUUID()}:`,
  IMSTATE_SERVICE: `test/${randomUUID()}`,
});

function imstateOf(manifests: Manifest[]) {
  const { spec } = theOnly(manifests, 'Deployment', 'imstate');
  const pod = spec.template.spec;
  return { pod, container: pod.containers[0], labels: spec.template.metadata.labels };
}

test('the schemas accept each file', async () => {
  const manifests = await writtenManifests();
  expect(manifests.length).toBeGreaterThan(10);
  expect(await faultsOf(manifests)).toEqual([]);
});

test('the schemas reject what a typing error makes of a file', async () => {
  const deployment = theOnly(await writtenManifests(), 'Deployment', 'imstate');
  const [container] = deployment.spec.template.spec.containers;
  const { readinessProbe, ...others } = container;
  const broken = {
    ...deployment,
    spec: {
      ...deployment.spec,
      replicas: 'two',
      template: { spec: { containers: [{ ...others, readynessProbe: readinessProbe }] } },
    },
  };
  const faults = (await faultsOf([broken])).join('\n');
  expect(faults).toContain('/spec/replicas');
  expect(faults).toContain('readynessProbe');
});

test('kustomizations name each file of their folder, and components that exist', async () => {
  const folders = await kustomizations();
  expect(folders.length).toBe(8);
  for (const { folder, kustomization, files } of folders) {
    const { resources = [], components = [] } = parse(kustomization);
    const own = resources.filter((path: string) => path.endsWith('.yaml'));
    // It is for another program.
    expect(own.sort()).toEqual(files.filter((name) => name !== 'prometheus-adapter.yaml').sort());
    for (const path of [...components, ...resources.filter((each: string) => !own.includes(each))])
      expect(folders.map((each) => each.folder)).toContain(join(folder, path));
  }
});

test.runIf(hasKubectl).each(OVERLAYS)(
  'kubectl builds the overlay %s, whose objects are valid',
  async (name) => {
    const manifests = overlay(name);
    expect(await faultsOf(manifests)).toEqual([]);
    const { pod, container, labels } = imstateOf(manifests);
    const selectors = [
      theOnly(manifests, 'Deployment', 'imstate').spec.selector.matchLabels,
      theOnly(manifests, 'PodDisruptionBudget').spec.selector.matchLabels,
      theOnly(manifests, 'NetworkPolicy').spec.podSelector.matchLabels,
      ...['imstate', 'imstate-http'].map((each) => theOnly(manifests, 'Service', each).spec.selector),
    ];
    for (const selector of selectors) expect(selector).toEqual(labels);
    // The label of callers has nothing beside it.
    const [, callers] = theOnly(manifests, 'NetworkPolicy').spec.ingress;
    expect(callers?.from).toEqual([
      { namespaceSelector: {}, podSelector: { matchLabels: { 'imstate-client': 'true' } } },
    ]);
    const mounted = container.volumeMounts.map((each) => each.name);
    expect(mounted.sort()).toEqual(pod.volumes.map((each) => each.name).sort());
  },
);

test('sets variables of the daemon, and its ports', async () => {
  const flags = Object.values(manifest.commands.serve.flags as Record<string, { env?: string }>);
  const known = flags.map(({ env }) => env);
  const texts = (await kustomizations()).map(({ kustomization }) => kustomization);
  texts.push(await readFile('deploy/kubernetes/base/deployment.yaml', 'utf8'));
  const used = texts.flatMap((text) => [...text.matchAll(/name: (IMSTATE_\w+)/g)].map(([, name]) => name));
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((name) => !known.includes(name))).toEqual([]);

  const manifests = await writtenManifests();
  const { container } = imstateOf(manifests);
  const variable = (name: string) => container.env.find((each) => each.name === name)?.value;
  expect(container.ports).toEqual([
    { name: 'grpc', containerPort: Number(variable('IMSTATE_PORT')) },
    { name: 'http', containerPort: Number(variable('IMSTATE_HTTP_PORT')) },
  ]);
  for (const name of ['imstate', 'imstate-http']) {
    const [{ targetPort, port }] = theOnly(manifests, 'Service', name).spec.ports;
    expect(container.ports).toContainEqual({ name: targetPort, containerPort: port });
  }
  expect(theOnly(manifests, 'ServiceMonitor').spec.endpoints[0].port).toBe(
    theOnly(manifests, 'Service', 'imstate-http').spec.ports[0].name,
  );
});

test.runIf(canChangeUser)('two pods of the base serve one Redis, and stop in time', async () => {
  const deployment = theOnly(await writtenManifests(), 'Deployment', 'imstate');
  const surroundings = { secrets: { 'imstate-redis': { url: `${inject('redisUrl')}\n` } }, env: ownEnv() };
  const pods = await Promise.all([1, 2].map(() => startPod(deployment, surroundings)));
  for (const pod of pods)
    await until(async () => (await pod.probe('readinessProbe'))?.status === 200, 'the pod is ready');
  const client = await connect({ endpoints: pods.map(({ grpc }) => grpc), timeoutMs: 30_000 });
  disposables.push(() => client.close());
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  for (const pod of pods) {
    expect((await pod.probe('startupProbe'))?.status).toBe(200);
    expect((await pod.probe('livenessProbe'))?.status).toBe(200);
    const found = await ask(`http://${pod.http}/api/v1/query?userId=alice`);
    expect(JSON.parse(found.text)).toMatchObject({ userId: 'alice', online: true });
  }
  const [first] = pods;
  const startedAt = performance.now();
  const stopped = first?.stop();
  await until(async () => (await first?.probe('readinessProbe'))?.status !== 200, 'the pod is not ready');
  expect(await stopped).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(
    deployment.spec.template.spec.terminationGracePeriodSeconds * 1_000,
  );
});

test.runIf(hasKubectl && canChangeUser)(
  'a pod of the overlay for production serves with TLS and tokens',
  async () => {
    const deployment = theOnly(overlay('production'), 'Deployment', 'imstate');
    const [authority, file] = [await Authority.make(), await TokenFile.make()];
    const { cert, key } = await authority.issue();
    const secrets = {
      'imstate-redis': { url: inject('redisUrl') },
      'imstate-auth': { 'tokens.ndjson': await readFile(file.path, 'utf8') },
      'imstate-tls': { 'tls.crt': await readFile(cert, 'utf8'), 'tls.key': await readFile(key, 'utf8') },
    };
    const pod = await startPod(deployment, {
      secrets,
      env: ownEnv(),
    });
    await until(async () => (await pod.probe('readinessProbe'))?.status === 200, 'the pod is ready');
    const tls = { ca: authority.file };
    const client = await connect({
      endpoints: [pod.grpc],
      tls,
      token: file.tokens.writer as string,
      timeoutMs: 30_000,
    });
    disposables.push(() => client.close());
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
    const metrics = async (token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await ask(`https://${pod.http}/metrics`, { headers, rejectUnauthorized: false })).status;
    };
    expect([await metrics(), await metrics(file.tokens.reader)]).toEqual([401, 200]);
    expect(await pod.stop()).toBe(0);
  },
);

test('the command of the guide makes an object of the alerts', async () => {
  const guide = await readFile('deploy/README.md', 'utf8');
  const command = /^\(printf [^|]*/m.exec(guide)?.[0] as string;
  const rule = parse(spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout);
  expect(rule.spec.groups[0].rules.length).toBeGreaterThan(5);
  expect(await faultsOf([rule])).toEqual([]);
});

test('daemons may call each other', async () => {
  const { spec } = theOnly(await writtenManifests(), 'NetworkPolicy');
  const own = { podSelector: spec.podSelector };
  expect(spec.ingress).toContainEqual({ from: [own], ports: [{ port: 'grpc' }] });
  expect(spec.egress).toContainEqual({ to: [own], ports: [{ port: 'grpc' }] });
});

test('scales on a metric that the daemon has', async () => {
  const manifests = await writtenManifests();
  const { metrics } = theOnly(manifests, 'HorizontalPodAutoscaler').spec;
  const { rules } = parse(
    await readFile('deploy/kubernetes/components/autoscaling/prometheus-adapter.yaml', 'utf8'),
  );
  expect(metrics[1]?.pods.metric.name).toBe(rules[0].name.as);
  expect(await readFile('docs/metrics.md', 'utf8')).toContain(`\`${rules[0].seriesQuery.split('{')[0]}\``);
  const { requests } = imstateOf(manifests).container.resources;
  expect(Object.keys(requests)).toContain(metrics[0].resource.name);
});
