import { parseEtcdHosts } from 'imstate-client/internal/registry/etcd/hosts';
import { readTls } from 'imstate-client/internal/tls/files';
import { TLS_NAMES, type TlsFiles, type TlsNames } from 'imstate-client/internal/tls/names';
import { describeRedisUrl } from '../store/redis/url.js';
import { type Check, type Finding, ok, skipped, warning } from './check.js';
import { expiry } from './expiry.js';
import type { DoctorOptions } from './options.js';

const MIN_NODE_MAJOR = 20;

/** The checks that need no connection. */
export function configurationChecks(options: DoctorOptions): Check[] {
  const { tls, redisTls, etcdTls, clientCa, daemonTls } = options;
  const ofClient = tls === true ? undefined : tls;
  return [
    { name: 'versions', run: async () => versions(options.version) },
    { name: 'configuration', run: async () => locations(options) },
    { name: 'tls-files', run: async () => tlsFiles(ofClient, TLS_NAMES.client) },
    { name: 'tls-daemon-files', run: async () => tlsFiles(daemonTls, TLS_NAMES.daemon) },
    {
      name: 'tls-client-ca',
      run: async () => tlsFiles(clientCa === undefined ? undefined : { ca: clientCa }, TLS_NAMES.daemon),
    },
    { name: 'tls-redis-files', run: async () => tlsFiles(redisTls, TLS_NAMES.redis) },
    { name: 'tls-etcd-files', run: async () => tlsFiles(etcdTls, TLS_NAMES.etcd) },
  ];
}

function versions(version: string): Finding {
  const message = `imstate ${version}, Node.js ${process.version} on ${process.platform}`;
  const major = Number.parseInt(process.versions.node, 10);
  if (major >= MIN_NODE_MAJOR && major % 2 === 0) return ok(message);
  return warning(`${message}: it is tested with Node.js 20, 22 and 24 only, use one of them`);
}

/** Where sessions and endpoints are kept; throws BAD_URL for an invalid URL. */
function locations({ redis, etcd, endpoints, dataDir, service }: DoctorOptions): Finding {
  const store = redis === undefined ? `embedded, ${dataDir}` : describeRedisUrl(redis);
  if (endpoints !== undefined) return ok(`daemons at ${endpoints.join(', ')}`);
  if (etcd === undefined) return ok(`store ${store}; registry embedded, ${dataDir}; service ${service}`);
  const registry = `etcd ${parseEtcdHosts(etcd).join(',')}`;
  // Enough for a client, which does not need the store.
  if (redis === undefined)
    return ok(`registry ${registry}; service ${service}; for serve --redis is missing`);
  return ok(`store ${store}; registry ${registry}; service ${service}`);
}

/** Throws BAD_CERTIFICATE if a file cannot be used. */
function tlsFiles(files: TlsFiles | undefined, names: TlsNames): Finding {
  const given = Object.entries(names).filter(([file]) => files?.[file as keyof TlsFiles] !== undefined);
  if (files === undefined || given.length === 0) return skipped('no file is named');
  const { certificate, cas } = readTls(files, names);
  const read = `${given.map(([, name]) => name).join(', ')} can be used`;
  // Some CAs of a bundle may have expired. The bundle is usable until the last one expires.
  const [last] = cas.sort((a, b) => Date.parse(b.validTo) - Date.parse(a.validTo));
  const ends = [
    ...(certificate ? [{ of: `the certificate in ${names.cert}`, validTo: certificate.validTo }] : []),
    ...(last ? [{ of: `the CA in ${names.ca}`, validTo: last.validTo }] : []),
  ];
  return expiry(read, ends);
}
