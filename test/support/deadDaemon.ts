import { Etcd3 } from 'etcd3';
import { freePort } from './servers.ts';

/** Registers an address at which no daemon listens, as one that was killed leaves it; returns the address. */
export async function registerDeadDaemon(etcdHost: string): Promise<string> {
  const addr = `127.0.0.1:${await freePort()}`;
  const admin = new Etcd3({ hosts: `http://${etcdHost}` });
  try {
    await admin.put(`im/state-server/${addr}`).value(JSON.stringify({ Op: 0, Addr: addr, Metadata: null }));
  } finally {
    admin.close();
  }
  return addr;
}
