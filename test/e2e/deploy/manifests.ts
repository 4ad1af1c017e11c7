import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import type { IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IService } from 'kubernetes-models/v1/Service';
import { parseAllDocuments } from 'yaml';
import { scratchDirectory } from '../../support/credentials.ts';

const require = createRequire(import.meta.url);

const KUBERNETES = 'deploy/kubernetes';

/** An object of Kubernetes, as far as the tests read it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
}

/** With all optional fields and an element in each list: the tests read what the manifests have. */
type Complete<T> = T extends (infer Element)[]
  ? [Complete<Element>, ...Complete<Element>[]]
  : T extends object
    ? { [Key in keyof T]-?: Complete<NonNullable<T[Key]>> }
    : T;

/** The objects whose fields the tests read. */
interface Kinds {
  Deployment: IDeployment;
  HorizontalPodAutoscaler: IHorizontalPodAutoscaler;
  NetworkPolicy: INetworkPolicy;
  PodDisruptionBudget: IPodDisruptionBudget;
  PrometheusRule: IPrometheusRule;
  Service: IService;
  ServiceMonitor: IServiceMonitor;
}

export type ManifestOf<Kind extends keyof Kinds> = Complete<Kinds[Kind]>;

/** The files of a directory of kustomize: its kustomization.yaml, and the others. */
export async function kustomizations(): Promise<
  { folder: string; kustomization: string; files: string[] }[]
> {
  const paths = await readdir(KUBERNETES, { recursive: true });
  return Promise.all(
    paths
      .filter((path) => path.endsWith('/kustomization.yaml'))
      .map(async (path) => {
        const folder = join(KUBERNETES, path, '..');
        const files = (await readdir(folder)).filter((name) => name !== 'kustomization.yaml');
        return { folder, kustomization: await readFile(join(KUBERNETES, path), 'utf8'), files };
      }),
  );
}

/** The objects of all files that are not kustomizations. */
export async function writtenManifests(): Promise<Manifest[]> {
  const paths = (await readdir(KUBERNETES, { recursive: true })).filter((path) => path.endsWith('.yaml'));
  const others = paths.filter((path) => !/(kustomization|prometheus-adapter)\.yaml$/.test(path));
  const texts = await Promise.all(others.map((path) => readFile(join(KUBERNETES, path), 'utf8')));
  return texts.flatMap(manifestsOf);
}

/** The objects that `kubectl apply -k` applies. */
export function overlay(name: string): Manifest[] {
  const path = join(KUBERNETES, 'overlays', name);
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', path], { encoding: 'utf8' });
  if (status !== 0 || stderr !== '') throw new Error(`kubectl kustomize ${path}: ${stderr}`);
  return manifestsOf(stdout);
}

export const hasKubectl = spawnSync('which', ['kubectl']).status === 0;

/** The only object of a kind, and of a name if several are of the kind. */
export function theOnly<Kind extends keyof Kinds>(
  manifests: Manifest[],
  kind: Kind,
  name?: string,
): ManifestOf<Kind> {
  const found = manifests.filter(
    (each) => each.kind === kind && (name ?? each.metadata.name) === each.metadata.name,
  );
  if (found.length !== 1) throw new Error(`${found.length} objects are ${kind} ${name ?? ''}`);
  return found[0] as Manifest & ManifestOf<Kind>;
}

function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text, { merge: true }).map((document) => {
    const [error] = [...document.errors, ...document.warnings];
    if (error) throw error;
    return document.toJS();
  });
}

/** The faults that the schemas of Kubernetes and of the Prometheus operator find: of values, and unknown fields. */
export async function faultsOf(manifests: Manifest[]): Promise<string[]> {
  return [...manifests.flatMap(valueFaults), ...(await unknownFields(manifests))];
}

function modelOf({ apiVersion, kind }: Manifest): string {
  const isCustom = apiVersion.startsWith('monitoring.coreos.com/');
  return `${isCustom ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}/${apiVersion}/${kind}`;
}

function valueFaults(manifest: Manifest): string[] {
  const models = require(modelOf(manifest));
  try {
    new models[manifest.kind](manifest).validate();
    return [];
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`];
  }
}

/** Kubernetes ignores unknown fields; the compiler does not. */
async function unknownFields(manifests: Manifest[]): Promise<string[]> {
  const folder = await scratchDirectory();
  const lines = manifests.map((manifest, i) => {
    const { kind, metadata } = manifest;
    const type = `import('${modelOf(manifest)}').I${kind}`;
    return `// ${kind} ${metadata.name}\nexport const manifest${i}: ${type} = ${JSON.stringify(manifest, null, 1)};`;
  });
  await writeFile(join(folder, 'manifests.ts'), lines.join('\n'));
  const compilerOptions = {
    ...{ noEmit: true, strict: true, skipLibCheck: true, types: [] },
    ...{ target: 'es2022', module: 'esnext', moduleResolution: 'bundler' },
    paths: { '*': [resolve('node_modules/*')] },
  };
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['manifests.ts'] }),
  );
  const { stdout } = spawnSync('npx', ['--no-install', 'tsc', '-p', folder], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes('error'));
}
