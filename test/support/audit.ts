import type { Logger } from 'pino';
import { AuditTrail } from '../../src/daemon/audit/auditTrail.ts';
import { RequestIds } from '../../src/daemon/observability/requestIds.ts';
import type { PresenceStore } from '../../src/store/store.ts';
import { disposables } from './disposables.ts';

/** An audit trail in the store, until the end of the test. */
export function auditTrailIn(store: PresenceStore, log: Logger): AuditTrail {
  const requestIds = new RequestIds();
  const audit = new AuditTrail({ store, log, requestIds, advertised: () => '127.0.0.1:1' });
  disposables.push(() => audit.close());
  return audit;
}
