import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REGISTRY_DEFAULTS } from 'imstate-client/internal/registry/discovery';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { DAEMON_DEFAULTS } from '../../daemon/defaults.js';
import { STORE_DEFAULTS } from '../../presence/defaults.js';
import { LIMITS } from '../../presence/limits.js';

/** An embedded daemon in this process, with a temporary directory. */
export interface DemoDaemon {
  /** HOST:PORT on this machine. */
  addr: string;
  stop(): Promise<void>;
}

/** Starts it on a free port. It logs nothing, because it shares the terminal with a view. */
export async function startDemoDaemon(): Promise<DemoDaemon> {
  const dataDir = await mkdtemp(join(tmpdir(), 'imstate-demo-')).catch(rejectUnusable);
  const remove = () => {
    process.off('exit', remove);
    rmSync(dataDir, { recursive: true, force: true });
  };
  // A second signal exits at once.
  process.on('exit', remove);
  try {
    const { startDaemon } = await import('../../daemon/startDaemon.js');
    const { pino } = await import('pino');
    const { addr, stop } = await startDaemon({
      ...STORE_DEFAULTS,
      ...REGISTRY_DEFAULTS,
      redis: undefined,
      shards: undefined,
      etcd: undefined,
      dataDir,
      ...DAEMON_DEFAULTS,
      port: 0,
      advertise: undefined,
      maxConnections: LIMITS.connections.max,
      maxConnectionAgeMs: LIMITS.connectionAge.max,
      maxCallsInFlight: LIMITS.calls.max,
      maxWatches: LIMITS.watches.max,
      maxWatchBacklogBytes: LIMITS.watchBacklog.max,
      log: pino({ level: 'silent' }),
    });
    return { addr, stop: () => stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

function rejectUnusable(error: unknown): never {
  const message = `cannot create a temporary directory in ${tmpdir()} (${messageOf(error)}): set TMPDIR to a directory that this user can write to`;
  throw new ImstateError('DATA_FOLDER_UNUSABLE', message, { cause: error });
}
