import { execFile } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { scratchDirectory } from '../../support/credentials.ts';
import { ask, type HttpAnswer } from '../../support/http.ts';
import { freePort } from '../../support/servers.ts';
import { startAsUnknownUser } from '../../support/unknownUser.ts';
import { until } from '../../support/until.ts';
import type { ManifestOf } from './manifests.ts';

/** A container of a pod that runs as a process. */
export interface Pod {
  grpc: string;
  http: string;
  output(): string;
  /** Probes it as the kubelet does. Resolves with undefined if it does not answer. */
  probe(name: 'startupProbe' | 'readinessProbe' | 'livenessProbe'): Promise<HttpAnswer | undefined>;
  /** Runs its hook, sends SIGTERM, and resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** What a cluster gives to a pod. */
export interface Surroundings {
  /** The files of the Secrets, by name and key. */
  secrets: Record<string, Record<string, string>>;
  /** Variables of the pod that name something of the cluster, or would share it with other tests. */
  env: Record<string, string>;
}

/**
 * Runs the only container of a Deployment as a process of a user without a passwd entry, who can write only in the
 * volumes: as with an arbitrary UID and a read-only root. Needs {@link canChangeUser}. Each pod has its own ports.
 */
export async function startPod(
  { spec }: ManifestOf<'Deployment'>,
  { secrets, env }: Surroundings,
): Promise<Pod> {
  const { volumes, containers } = spec.template.spec;
  const [container] = containers;
  const paths = new Map<string, string>([['$(POD_IP)', '127.0.0.1']]);
  for (const { name, mountPath } of container.volumeMounts) {
    const secret = volumes.find((each) => each.name === name)?.secret;
    paths.set(mountPath, secret ? await secretVolume(secrets[secret.secretName]) : await emptyDir());
  }
  const ports: Record<string, string> = {};
  for (const { name, containerPort } of container.ports) {
    ports[name] = `${await freePort()}`;
    paths.set(`${containerPort}`, ports[name]);
  }
  const here = (value: string) =>
    [...paths].reduce((text, [inPod, onHost]) => text.replace(inPod, onHost), value);
  const own = container.env.filter(({ value }) => value !== undefined);
  const values = own.map(({ name, value }) => [name, here(value)]);
  const child = startAsUnknownUser(container.args, { HOME: '/', ...Object.fromEntries(values), ...env });
  const probe: Pod['probe'] = (name) => {
    const { path, port, scheme = 'HTTP' } = container[name].httpGet;
    const url = `${scheme.toLowerCase()}://127.0.0.1:${ports[port]}${path}`;
    return ask(url, { rejectUnauthorized: false }).catch(() => undefined);
  };
  return {
    grpc: `127.0.0.1:${ports.grpc}`,
    http: `127.0.0.1:${ports.http}`,
    output: child.output,
    probe,
    stop: async () => {
      const [command, ...args] = container.lifecycle.preStop.exec.command;
      await promisify(execFile)(command, args);
      child.signal('SIGTERM');
      await until(() => child.exitCode() !== null, 'the container ends');
      return child.exitCode();
    },
  };
}

/** A volume that anybody may write to. */
async function emptyDir(): Promise<string> {
  const path = await scratchDirectory();
  await chmod(path, 0o777);
  return path;
}

/** A volume of a Secret, with the links and permissions of the kubelet. */
async function secretVolume(files: Record<string, string> | undefined): Promise<string> {
  if (files === undefined) throw new Error('there is no such Secret');
  const path = await scratchDirectory();
  await mkdir(join(path, '..2026_11_30'));
  await symlink('..2026_11_30', join(path, '..data'));
  for (const [key, content] of Object.entries(files)) {
    await writeFile(join(path, '..data', key), content, { mode: 0o644 });
    await symlink(join('..data', key), join(path, key));
  }
  await chmod(path, 0o1777);
  return path;
}
