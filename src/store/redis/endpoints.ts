import type { Cluster } from 'ioredis';

/** Resolves redirections without a host: `MOVED 3999 :6381` means the host that was asked. */
export function redirectionMap(cluster: () => Cluster, seed: string) {
  return (endpoint: string): { host: string; port: number } | null => {
    const port = /^\??:(\d+)$/.exec(endpoint)?.[1];
    if (port === undefined) return null;
    return { host: cluster().nodes()[0]?.options.host ?? seed, port: Number(port) };
  };
}
