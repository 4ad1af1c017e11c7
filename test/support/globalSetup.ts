import type { TestProject } from 'vitest/node';
import { ensureInstalled } from './packages.ts';
import { startEtcd, startRedis } from './servers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
    etcdHost: string;
  }
}

/** Starts the servers that tests share. Each test uses its own key prefix or service name. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  ensureInstalled({
    'redis-server': 'redis-server',
    etcd: 'etcd-server',
    chromium: 'chromium',
    protoc: 'protobuf-compiler',
    '/usr/include/google/protobuf/timestamp.proto': 'libprotobuf-dev',
    'protoc-gen-go': 'protoc-gen-go',
    'protoc-gen-go-grpc': 'protoc-gen-go-grpc',
    '/usr/lib/python3/dist-packages/grpc_tools/protoc.py': 'python3-grpc-tools',
    promtool: 'prometheus',
    curl: 'curl',
    nginx: 'nginx',
    caddy: 'caddy',
    'nats-server': 'nats-server',
  });
  const [redis, etcd] = await Promise.all([startRedis(), startEtcd()]);
  project.provide('redisUrl', redis.url);
  project.provide('etcdHost', etcd.host);
  return async () => {
    await Promise.all([redis.stop(), etcd.stop()]);
  };
}
