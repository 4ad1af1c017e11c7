import { registryError } from 'imstate-client/internal/registry/etcd/faults';
import { parseEtcdHosts } from 'imstate-client/internal/registry/etcd/hosts';
import type { EtcdNodes } from 'imstate-client/internal/registry/etcd/nodes';
import { isDenied, storePrefix } from 'imstate-client/internal/registry/etcd/stores';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { TLS_NAMES } from 'imstate-client/internal/tls/names';
import type { OnClose } from './check.js';
import { type Check, type Finding, ok, once, warning } from './check.js';
import { resolveHosts } from './dns.js';
import type { DoctorOptions } from './options.js';
import { judgePeers } from './peerCertificate.js';
import { isAtLeast } from './versionOrder.js';

export const ETCD_CHECKS = [
  'etcd-dns',
  'etcd-dial',
  'etcd-version',
  'etcd-health',
  'etcd-rights',
  'etcd-certificates',
] as const;

const MIN_VERSION = [3, 4] as const;

/** The status of a node. */
interface NodeStatus {
  host: string;
  version: string;
  /** "0" if there is none. */
  leader: string;
  errors: string[];
}

/** A node that did not respond. */
interface SilentNode {
  host: string;
  error: ImstateError;
}

type EtcdOptions = DoctorOptions & { etcd: string };

/** The checks of etcd as a registry. */
export function etcdChecks(options: EtcdOptions, onClose: OnClose): Check[] {
  const { timeoutMs } = options;
  const nodes = once('etcd does not respond', timeoutMs, () => askNodes(options, onClose));
  const [dns, dial, version, health, rights, certificates] = ETCD_CHECKS;
  return [
    { name: dns, run: async () => resolveHosts(hostsOf(options.etcd), '--etcd', 'REGISTRY_UNAVAILABLE') },
    { name: dial, run: async () => judgeNodes(await nodes.ready()) },
    { name: version, needs: nodes, run: async () => judgeVersion((await nodes.ready()).answered) },
    { name: health, needs: nodes, run: async () => judgeHealth((await nodes.ready()).answered) },
    { name: rights, needs: nodes, run: () => judgeRights(options, onClose) },
    {
      name: certificates,
      needs: nodes,
      run: async () => judgeCertificates((await nodes.ready()).answered, options),
    },
  ];
}

function hostsOf(etcd: string): string[] {
  return parseEtcdHosts(etcd).map((url) => hostOf(new URL(url)));
}

/** The host, without the brackets of IPv6. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Queries each node by itself; rejects if none responds. */
async function askNodes(
  options: EtcdOptions,
  onClose: OnClose,
): Promise<{ answered: NodeStatus[]; silent: SilentNode[] }> {
  const asked = await Promise.all(
    parseEtcdHosts(options.etcd).map((host) => askNode(host, options, onClose)),
  );
  const answered = asked.flatMap((node) => ('error' in node ? [] : [node]));
  const silent = asked.flatMap((node) => ('error' in node ? [node] : []));
  if (answered.length === 0) throw (silent[0] as SilentNode).error;
  return { answered, silent };
}

async function askNode(
  host: string,
  options: EtcdOptions,
  onClose: OnClose,
): Promise<NodeStatus | SilentNode> {
  const node = await connectTo([host], options);
  onClose(() => node.close());
  try {
    const { version, leader, errors } = await node.call(({ maintenance }) => maintenance.status());
    return { host, version, leader, errors };
  } catch (error) {
    return { host, error: registryError(error) };
  }
}

/** Loads the etcd client on demand. */
async function connectTo(hosts: string[], options: EtcdOptions): Promise<EtcdNodes> {
  const { EtcdNodes } = await import('imstate-client/internal/registry/etcd/nodes');
  const { etcdUsername: username, etcdPassword: password, etcdTls: tls } = options;
  return new EtcdNodes({ hosts, username, password, tls });
}

function judgeNodes({ answered, silent }: { answered: NodeStatus[]; silent: SilentNode[] }): Finding {
  const hosts = answered.map(({ host }) => host).join(', ');
  if (silent.length === 0) return ok(`${hosts} answers`);
  const faults = silent.map(({ host, error }) => `${host} does not (${error.message})`);
  return warning(`${hosts} answers, ${faults.join('; ')}: the registry works as long as most nodes do`);
}

function judgeVersion(nodes: NodeStatus[]): Finding {
  const versions = [...new Set(nodes.map(({ version }) => version))].join(', ');
  if (nodes.every(({ version }) => isAtLeast(version, MIN_VERSION))) return ok(`etcd ${versions}`);
  throw new ImstateError('UNSUITABLE', `etcd is ${versions}, and must be 3.4 or newer: update it`);
}

function judgeHealth(nodes: NodeStatus[]): Finding {
  const faults = nodes.flatMap(({ host, leader, errors }) => [
    ...(leader === '0' ? [`${host} has no leader`] : []),
    ...errors.map((error) => `${host} reports ${error}`),
  ]);
  if (faults.length === 0) return ok('a leader, and no alarm');
  const wayOut = faults.some((fault) => fault.includes('NOSPACE'))
    ? 'compact and defragment it, then etcdctl alarm disarm'
    : 'start the nodes that are missing';
  throw new ImstateError('REGISTRY_UNAVAILABLE', `${faults.join('; ')}: ${wayOut}`);
}

function judgeCertificates(nodes: NodeStatus[], { etcdTls = {}, timeoutMs }: EtcdOptions): Promise<Finding> {
  const urls = nodes.map(({ host }) => new URL(host)).filter(({ protocol }) => protocol === 'https:');
  const peers = urls.map((url) => ({ addr: url.host, host: hostOf(url), port: Number(url.port || 443) }));
  return judgePeers('etcd', peers, { files: etcdTls, names: TLS_NAMES.etcd, timeoutMs });
}

/**
 * Reads the keys, and tries a write with a condition that never holds: etcd checks the rights first, and then
 * changes nothing.
 */
async function judgeRights(options: EtcdOptions, onClose: OnClose): Promise<Finding> {
  const nodes = await connectTo(parseEtcdHosts(options.etcd), options);
  onClose(() => nodes.close());
  const { service } = options;
  const [entries, stores] = [`${service}/`, storePrefix(service)];
  if (!(await mayUse(nodes, entries))) {
    const message = `the user of etcd may not read and write below ${entries}, as a daemon must: ${grantOf(entries)}`;
    throw new ImstateError('PERMISSION_DENIED', message);
  }
  if (await mayUse(nodes, stores))
    return ok(`the keys below ${entries} and ${stores} may be read and written`);
  return warning(
    `the user of etcd may not read and write below ${stores}, so daemons of another store go unnoticed: ${grantOf(stores)}`,
  );
}

function grantOf(prefix: string): string {
  return `etcdctl role grant-permission ROLE --prefix=true readwrite ${prefix}`;
}

async function mayUse(nodes: EtcdNodes, prefix: string): Promise<boolean> {
  const key = `${prefix}doctor`;
  try {
    await nodes.call((client) => client.getAll().prefix(prefix).limit(1).exec());
    await nodes.call((client) => client.if(key, 'Version', '<', 0).then(client.put(key).value('')).commit());
    return true;
  } catch (error) {
    if (isDenied(error)) return false;
    throw registryError(error);
  }
}
