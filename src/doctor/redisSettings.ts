import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type Finding, ok, warning } from './check.js';
import { type Info, type Master, settingOf } from './redisNodes.js';
import { isAtLeast } from './versionOrder.js';

/** The first version with flags of scripts (`#!lua flags`), which let scripts run in a full Redis. */
const MIN_VERSION = [7, 0] as const;
/** The value of hash-max-listpack-value for sessions with details. */
const COMPACT_VALUE = 128;
/** Share of the memory limit. */
const NEARLY_FULL = 0.9;

export function judgeVersion(masters: Master[]): Finding {
  const old = masters.filter(isOld);
  if (old.length > 0) {
    const each = old.map((master) => `${master.addr} is ${versionOf(master)}`).join(', ');
    throw new ImstateError('UNSUITABLE', `${each}, and must be 7.0 or newer: update it`);
  }
  return ok(`Redis ${[...new Set(masters.map(versionOf))].join(', ')}`);
}

/** Whether imstate cannot work with it. */
export function isOld(master: Master): boolean {
  return !isAtLeast(versionOf(master), MIN_VERSION);
}

function versionOf({ info }: Master): string {
  return info.redis_version ?? 'unknown';
}

/** A Redis that evicts keys when it is full loses sessions, or their indexes and counters. */
export function judgeMemory(masters: Master[]): Finding {
  return worstOf(masters, ({ addr, info }) => {
    const [max, used] = [Number(info.maxmemory ?? 0), Number(info.used_memory ?? 0)];
    const policy = info.maxmemory_policy ?? 'unknown';
    if (max === 0) return ok(`no limit, ${mib(used)} used`);
    const wayOut = 'CONFIG SET maxmemory-policy noeviction by redis-cli, and the same in redis.conf';
    if (policy.startsWith('allkeys')) {
      const rule = `${addr} drops any key when it is full (maxmemory-policy ${policy})`;
      throw new ImstateError('UNSUITABLE', `${rule}: ${wayOut}`);
    }
    if (policy !== 'noeviction')
      return warning(`history is dropped when it is full (maxmemory-policy ${policy}): ${wayOut}`);
    const message = `${mib(used)} of ${mib(max)} used, with noeviction`;
    if (used < max * NEARLY_FULL) return ok(message);
    return warning(`${message}: raise maxmemory, logins are rejected when it is full`);
  });
}

/** Checks what a restart of Redis would lose. */
export async function judgePersistence(masters: Master[]): Promise<Finding> {
  // The schedule of snapshots; "" for none.
  const saves = await settingOf(masters, 'save');
  return worstOf(masters, (master) => {
    const { addr, info } = master;
    const fault = writeFault(info);
    if (fault !== undefined) {
      const wayOut = 'check its log and its disk';
      throw new ImstateError('STORE_UNAVAILABLE', `${addr} cannot write ${fault}: ${wayOut}`);
    }
    if (info.aof_enabled === '1') return ok('an append-only file');
    const save = saves.get(master);
    const wayOut =
      'CONFIG SET appendonly yes by redis-cli, and the same in redis.conf, unless all chat servers have leases, because they resend their sessions';
    if (save === '') return warning(`a restart loses everything: ${wayOut}`);
    const snapshots = save === undefined ? 'at most snapshots' : `snapshots only (save ${save})`;
    return warning(`${snapshots}, a restart loses what came after the last one: ${wayOut}`);
  });
}

/** Advises about the length up to which Redis stores the sessions of a user compactly. */
export async function judgeEncoding(masters: Master[]): Promise<Finding> {
  const settings = await settingOf(masters, 'hash-max-listpack-value');
  return worstOf(masters, (master) => {
    const setting = settings.get(master);
    if (setting === undefined) return ok('hash-max-listpack-value cannot be read here');
    const message = `hash-max-listpack-value ${setting}`;
    if (Number(setting) >= COMPACT_VALUE) return ok(`${message}: sessions with details stay compact`);
    return ok(
      `${message}: sessions with a label, an address or a UUID take twice the memory; ${COMPACT_VALUE} avoids it`,
    );
  });
}

/** Checks that the users of other masters are served while one master is unavailable. */
export async function judgeCoverage(masters: Master[]): Promise<Finding> {
  const settings = await settingOf(masters, 'cluster-require-full-coverage');
  return worstOf(masters, (master) => {
    const setting = settings.get(master);
    if (setting === undefined) return ok('cluster-require-full-coverage cannot be read here');
    if (setting === 'no') return ok('other masters serve their users while one is unavailable');
    const wayOut =
      'CONFIG SET cluster-require-full-coverage no by redis-cli on each node, and the same in redis.conf';
    return warning(
      `one lost master takes all users down (cluster-require-full-coverage ${setting}): ${wayOut}`,
    );
  });
}

function writeFault(info: Info): string | undefined {
  if (info.rdb_last_bgsave_status === 'err') return 'its snapshot';
  if (
    info.aof_enabled === '1' &&
    [info.aof_last_write_status, info.aof_last_bgrewrite_status].includes('err')
  )
    return 'its append-only file';
  return undefined;
}

/** The warnings of all masters, or their findings if there are none. Throws the first error of `judge`. */
export function worstOf(masters: Master[], judge: (master: Master) => Finding): Finding {
  const findings = masters.map((master) => ({ addr: master.addr, ...judge(master) }));
  const warnings = findings.filter(({ status }) => status === 'warning');
  const shown = warnings.length > 0 ? warnings : findings;
  const messages = [...new Set(shown.map(({ message }) => message))].map((message) => {
    const addrs = shown.filter((each) => each.message === message).map(({ addr }) => addr);
    return masters.length === 1 ? message : `${addrs.join(', ')}: ${message}`;
  });
  return (warnings.length > 0 ? warning : ok)(messages.join('; '));
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toLocaleString('en', { maximumFractionDigits: 1 })} MiB`;
}
