import { castGrpcError, EtcdError, EtcdLeaseInvalidError } from 'etcd3';
import { callDeadline } from 'imstate-client/internal/registry/etcd/deadline';
import type { EtcdNodes } from 'imstate-client/internal/registry/etcd/nodes';

/** Grants a lease and resolves with its ID. If it is granted twice, the unused lease expires. */
export async function grantLease(nodes: EtcdNodes, ttlMs: number): Promise<string> {
  const { ID } = await nodes.call(({ leaseClient }) => leaseClient.leaseGrant({ TTL: ttlMs / 1_000 }));
  return ID;
}

/** Renews a lease; false if etcd no longer knows it. */
export function renewLease(nodes: EtcdNodes, id: string): Promise<boolean> {
  return nodes.call(async ({ leaseClient }) => {
    const stream = await leaseClient.leaseKeepAlive(callDeadline());
    try {
      return await new Promise<boolean>((resolve, reject) => {
        stream.on('data', ({ TTL }) => resolve(TTL !== '0'));
        stream.on('error', (error) => reject(castGrpcError(error)));
        stream.on('end', () => reject(new EtcdError('the stream ended')));
        stream.write({ ID: id });
      });
    } finally {
      stream.end();
    }
  });
}

/** Revokes a lease, which removes its keys. A lease that etcd no longer knows is no error. */
export async function revokeLease(nodes: EtcdNodes, id: string): Promise<void> {
  await nodes
    .call(({ leaseClient }) => leaseClient.leaseRevoke({ ID: id }))
    .catch((error) => {
      if (!(error instanceof EtcdLeaseInvalidError)) throw error;
    });
}
