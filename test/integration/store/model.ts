import type { PolicyLimit } from '../../../packages/client/src/shared/policy.ts';
import type { EndReason, LoginDetails, SessionRef } from '../../../packages/client/src/shared/session.ts';
import type { KeepAlive } from '../../../src/presence/servers.ts';
import type { Login, LoginResult, Logout, PastSession } from '../../../src/presence/sessions.ts';

/** A session of the model. */
export interface ModelSession {
  userId: string;
  deviceId: string;
  sessionId: string;
  serverAddr: string;
  platform: string;
  online: boolean;
  loginTimeMs: number;
  lastSeenMs: number;
  logoutTimeMs: number | undefined;
  endReason: EndReason | undefined;
  details: LoginDetails;
  reasonText: string;
  ttlMs: number;
  graceEndMs: number;
  removalTimeMs: number;
  incarnation: number;
}

/** The sessions by their IDs. */
export type ModelResult = Pick<LoginResult, 'loginTimeMs' | 'endReason'> & {
  replaced: string[];
  rejection: { limit: PolicyLimit; conflicts: string[] } | undefined;
};

interface ModelLease {
  incarnation: number;
  ttlMs: number;
  expires: number;
  since: number;
  resync: number | undefined;
  drain: { graceMs: number; isLapsed: boolean } | undefined;
  /** Sessions last seen before `until` ended at `at`. */
  purges: { until: number; at: number }[];
}

/** The rules of presence in their simplest form: maps and lists, without regard to speed. */
export class Model {
  now: number;
  readonly retentionMs: number;
  readonly maxDevices: number;
  sessions: ModelSession[] = [];
  history: (PastSession & { userId: string })[] = [];
  readonly leases = new Map<string, ModelLease>();
  #swept: number | undefined;
  #outage: number | undefined;

  constructor(now: number, retentionMs: number, maxDevices: number) {
    this.maxDevices = maxDevices;
    this.now = now;
    this.retentionMs = retentionMs;
  }

  online(login: Login): ModelResult | 'RESOURCE_EXHAUSTED' {
    const lease = this.#leaseOfLogin(login);
    if (lease && login.incarnation > 0 && login.incarnation < lease.incarnation)
      return { loginTimeMs: 0, replaced: [], endReason: 'SERVER_LOST', rejection: undefined };
    const current = this.#current(login.userId, login.deviceId);
    const late = this.#judge(login, current);
    if (late && late !== 'ANEW')
      return { loginTimeMs: 0, replaced: [], endReason: late, rejection: undefined };
    const before = current?.online ? current : undefined;
    const isRefresh = before?.sessionId === login.sessionId;
    const purged = Math.max(0, ...(lease?.purges ?? []).map(({ until }) => until));
    const replaced = before && !isRefresh ? [before] : [];
    if (!isRefresh && login.resentLoginTimeMs === 0 && !late) {
      const { ended, rejection } = this.#decide(login);
      if (rejection) return { loginTimeMs: 0, replaced: [], endReason: undefined, rejection };
      replaced.push(...ended);
    }
    const others = this.#lasting().filter((each) => each.userId === login.userId && !replaced.includes(each));
    if (!before && others.length >= this.maxDevices) return 'RESOURCE_EXHAUSTED';
    for (const each of replaced) this.#end(each, 'REPLACED', this.now);
    const loginTimeMs = isRefresh
      ? before.loginTimeMs
      : Math.min(login.resentLoginTimeMs || this.now, this.now);
    const { userId, deviceId, sessionId, serverAddr, platform, details } = login;
    // A repeated login does not cancel a logout.
    const loggedOut = isRefresh && before.graceEndMs > 0 ? before : undefined;
    this.sessions = this.sessions.filter((each) => each !== current);
    this.sessions.push({
      userId,
      deviceId,
      sessionId,
      serverAddr,
      platform,
      ttlMs: loggedOut?.ttlMs ?? login.ttlMs,
      details,
      reasonText: '',
      online: true,
      loginTimeMs,
      logoutTimeMs: undefined,
      endReason: undefined,
      removalTimeMs: 0,
      graceEndMs: loggedOut?.graceEndMs ?? 0,
      lastSeenMs: lease ? Math.max(this.now, purged + 1) : this.now,
      incarnation: loggedOut?.incarnation ?? lease?.incarnation ?? 0,
    });
    if (!before) this.#dropOldest(login.userId);
    const ended = replaced.map((each) => each.sessionId);
    return { loginTimeMs, replaced: ended, endReason: undefined, rejection: undefined };
  }

  /** What the login would do: which sessions it ends, or why it is rejected. */
  validate(login: Login): ModelResult | 'RESOURCE_EXHAUSTED' {
    const nothing = { loginTimeMs: 0, replaced: [], endReason: undefined, rejection: undefined };
    const current = this.#current(login.userId, login.deviceId);
    const before = current?.online ? current : undefined;
    if (before?.sessionId === login.sessionId) return nothing;
    const { ended, rejection } = this.#decide(login);
    if (rejection) return { ...nothing, rejection };
    const others = this.#lasting().filter(({ userId }) => userId === login.userId);
    if (!before && others.length - ended.length >= this.maxDevices) return 'RESOURCE_EXHAUSTED';
    return { ...nothing, replaced: [...(before ? [before] : []), ...ended].map((each) => each.sessionId) };
  }

  /** The sessions are ended one by one, until the login fits in. */
  #decide({ userId, deviceId, platform, policy }: Login): {
    ended: ModelSession[];
    rejection?: ModelResult['rejection'];
  } {
    const classOf = (name: string) =>
      Object.keys(policy.classes).find((each) => policy.classes[each]?.includes(name)) ?? 'other';
    const own = classOf(platform);
    let left = this.#lasting()
      .filter((each) => each.userId === userId && each.deviceId !== deviceId)
      .sort((a, b) => a.loginTimeMs - b.loginTimeMs || (a.deviceId < b.deviceId ? -1 : 1));
    const ended = left.filter((each) =>
      policy.exclusive.some(
        (group) =>
          group.includes(own) && classOf(each.platform) !== own && group.includes(classOf(each.platform)),
      ),
    );
    left = left.filter((each) => !ended.includes(each));
    for (const limit of policy.limits) {
      if (limit.per === 'class' && limit.class !== own) continue;
      const counts = (each: ModelSession) =>
        limit.per === 'user' ||
        (limit.per === 'class' ? classOf(each.platform) === own : each.platform === platform);
      const conflicts = left.filter(counts).map((each) => each.sessionId);
      if (limit.onConflict === 'REJECT' && conflicts.length >= limit.max)
        return { ended: [], rejection: { limit, conflicts } };
      if (conflicts.length < limit.max) continue;
      while (
        left.some(counts) &&
        (limit.onConflict === 'KICK_ALL' || left.filter(counts).length >= limit.max)
      ) {
        const oldest = left.find(counts) as ModelSession;
        ended.push(oldest);
        left = left.filter((each) => each !== oldest);
      }
    }
    return { ended };
  }

  offline({ userId, deviceId, sessionId, graceMs }: Logout): boolean {
    const current = this.#current(userId, deviceId);
    if (!current?.online || (sessionId !== undefined && sessionId !== current.sessionId)) return false;
    const drain = this.leases.get(current.serverAddr)?.drain;
    const longestMs = Math.max(graceMs, drain?.graceMs ?? 0);
    const graceEndMs = this.now + longestMs;
    const isInGrace = longestMs > 0 && current.graceEndMs > 0 && current.graceEndMs <= graceEndMs;
    const isBound = current.incarnation > 0 || current.ttlMs > 0;
    if (isInGrace && !(drain && isBound)) return true;
    current.lastSeenMs = Math.max(this.now, current.lastSeenMs);
    if (drain) Object.assign(current, { incarnation: 0, ttlMs: 0 });
    if (isInGrace) return true;
    if (longestMs > 0) current.graceEndMs = graceEndMs;
    else this.#end(current, 'LOGOUT', this.now);
    return true;
  }

  heartbeat({ userId, deviceId, sessionId }: SessionRef): EndReason | 'UNKNOWN' | undefined {
    const current = this.#current(userId, deviceId);
    if (current?.sessionId !== sessionId) return this.#pastReason(userId, deviceId, sessionId) ?? 'UNKNOWN';
    if (current.online) current.lastSeenMs = Math.max(this.now, current.lastSeenMs);
    return current.endReason;
  }

  /** Returns the known incarnation, and whether a resync is requested. */
  keepServerAlive(
    { serverAddr, incarnation, ttlMs }: KeepAlive,
    resyncedSince: number | undefined,
  ): [number, boolean] {
    const lease = this.#claim(serverAddr, incarnation, ttlMs);
    if (lease.incarnation > incarnation) return [lease.incarnation, false];
    lease.ttlMs = ttlMs;
    lease.expires = this.now + ttlMs;
    if (lease.drain) lease.drain.isLapsed = false;
    if (lease.resync !== undefined && lease.resync === resyncedSince) {
      lease.purges.push({ until: lease.resync - 1, at: this.now });
      lease.resync = undefined;
    }
    return [incarnation, lease.resync !== undefined];
  }

  /** Returns whether the chat server has a lease. */
  drainServer(serverAddr: string, graceMs: number | undefined): boolean {
    const lease = this.leases.get(serverAddr);
    const isLapsed = lease?.drain?.isLapsed ?? false;
    if (lease) lease.drain = graceMs === undefined ? undefined : { graceMs, isLapsed };
    return lease !== undefined;
  }

  evict(matches: (session: ModelSession) => boolean, text: string): number {
    const evicted = this.#lasting().filter(matches);
    for (const each of evicted) this.#end(each, 'EVICTED', this.now, text);
    return evicted.length;
  }

  /** Executes all sweeps that are due. */
  sweep(): void {
    if (this.leases.size === 0) this.#swept = this.#outage = undefined;
    else {
      if (this.#swept !== undefined && this.now - this.#swept > 3_000) this.#outage = this.now;
      this.#swept = this.now;
    }
    this.#lasting();
    for (const [serverAddr, lease] of this.leases) {
      if (this.#outage !== undefined) lease.expires = Math.max(lease.expires, this.#outage + lease.ttlMs);
      const { drain } = lease;
      if (lease.expires <= this.now && drain && drain.graceMs > 0 && !drain.isLapsed) {
        drain.isLapsed = true;
        lease.expires = this.now + drain.graceMs;
      }
      const isLost = lease.expires <= this.now;
      if (isLost) lease.purges.push({ until: Infinity, at: this.now });
      this.#lasting();
      if (isLost) this.leases.delete(serverAddr);
      // Sessions without the lease that were not resent.
      for (const each of this.sessions.filter(
        (session) => session.online && session.serverAddr === serverAddr && session.graceEndMs === 0,
      )) {
        const purge = lease.purges.find(({ until }) => until < Infinity && each.lastSeenMs <= until);
        if (purge)
          this.#end(
            each,
            'SERVER_LOST',
            lease.purges.filter(({ until }) => until < Infinity).at(-1)?.at ?? 0,
          );
      }
    }
    this.#lasting();
    this.sessions = this.sessions.filter((each) => each.online || each.removalTimeMs > this.now);
  }

  /** The visible state of a user or of one device. */
  read(userId: string, deviceId?: string): ModelSession[] {
    this.#lasting();
    return this.sessions
      .filter((each) => each.userId === userId && (deviceId === undefined || each.deviceId === deviceId))
      .filter((each) => each.online || each.removalTimeMs > this.now)
      .sort((a, b) => b.loginTimeMs - a.loginTimeMs || (a.deviceId < b.deviceId ? -1 : 1));
  }

  /** All online sessions. */
  listOnline(): ModelSession[] {
    return this.#lasting();
  }

  #current(userId: string, deviceId: string): ModelSession | undefined {
    this.#lasting();
    return this.sessions.find((each) => each.userId === userId && each.deviceId === deviceId);
  }

  /** Removes the oldest offline records if the user has too many. */
  #dropOldest(userId: string): void {
    const records = this.read(userId);
    const surplus = Math.max(records.length - this.maxDevices, Math.floor(this.maxDevices / 8));
    if (records.length <= this.maxDevices) return;
    const oldest = records
      .filter(({ online }) => !online)
      .sort((a, b) => a.removalTimeMs - b.removalTimeMs || (a.deviceId < b.deviceId ? -1 : 1))
      .slice(0, surplus);
    this.sessions = this.sessions.filter((each) => !oldest.includes(each));
  }

  /** Ends expired sessions; returns those that are online. */
  #lasting(): ModelSession[] {
    for (const session of this.sessions.filter(({ online }) => online)) {
      const ends: [number, EndReason][] = [];
      const expires = session.ttlMs > 0 ? session.lastSeenMs + session.ttlMs : Infinity;
      if (expires <= this.now) ends.push([expires, 'EXPIRED']);
      if (session.graceEndMs > 0 && session.graceEndMs <= this.now) ends.push([session.graceEndMs, 'LOGOUT']);
      const lost = this.#lostAt(session);
      if (lost !== undefined) ends.push([lost, 'SERVER_LOST']);
      const [first] = ends.sort(([a], [b]) => a - b);
      if (first) this.#end(session, first[1], first[0]);
    }
    return this.sessions.filter(({ online }) => online);
  }

  #lostAt({ serverAddr, incarnation, lastSeenMs }: ModelSession): number | undefined {
    if (incarnation === 0) return undefined;
    const lease = this.leases.get(serverAddr);
    if (!lease) return lastSeenMs;
    if (incarnation < lease.incarnation) return lease.since;
    return lease.purges.find(({ until }) => lastSeenMs <= until)?.at;
  }

  #end(session: ModelSession, endReason: EndReason, time: number, reasonText = ''): void {
    const { userId, deviceId, sessionId, serverAddr, platform, loginTimeMs, details } = session;
    this.history.unshift({
      userId,
      deviceId,
      sessionId,
      serverAddr,
      platform,
      loginTimeMs,
      endTimeMs: time,
      endReason,
      details: { ...details, clientIp: details.clientIp.replace(/\d+$/, '0/24') },
      reasonText,
    });
    Object.assign(session, { online: false, logoutTimeMs: time, endReason, reasonText });
    Object.assign(session, {
      removalTimeMs: time + this.retentionMs,
      ttlMs: 0,
      graceEndMs: 0,
      incarnation: 0,
    });
  }

  /** Why a login is too late, or 'ANEW' if it restarts its ended session. */
  #judge(login: Login, current: ModelSession | undefined): EndReason | 'ANEW' | undefined {
    const isCurrent = current?.sessionId === login.sessionId;
    if (isCurrent && current.online) return undefined;
    if (!isCurrent && login.resentLoginTimeMs > 0 && current && current.loginTimeMs > login.resentLoginTimeMs)
      return 'REPLACED';
    if (login.isNewSessionId) return undefined;
    const past = this.history
      .filter((each) => each.userId === login.userId)
      .slice(0, 32)
      .filter((each) => each.deviceId === login.deviceId);
    const at = isCurrent ? 0 : past.findIndex((each) => each.sessionId === login.sessionId);
    const reason = isCurrent ? current.endReason : past[at]?.endReason;
    if (reason !== 'EXPIRED' && reason !== 'SERVER_LOST') return reason;
    return at > 0 || current?.online ? 'REPLACED' : 'ANEW';
  }

  #pastReason(userId: string, deviceId: string, sessionId: string): EndReason | undefined {
    return this.history
      .filter((each) => each.userId === userId)
      .slice(0, 32)
      .find((each) => each.deviceId === deviceId && each.sessionId === sessionId)?.endReason;
  }

  #leaseOfLogin({ serverAddr, incarnation }: Login): ModelLease | undefined {
    return incarnation > 0 ? this.#claim(serverAddr, incarnation, undefined) : this.leases.get(serverAddr);
  }

  #claim(serverAddr: string, incarnation: number, ttl: number | undefined): ModelLease {
    const known = this.leases.get(serverAddr);
    if (known && incarnation > known.incarnation) {
      this.#lasting();
      Object.assign(known, { incarnation, since: this.now, ttlMs: ttl ?? known.ttlMs, drain: undefined });
      known.expires = this.now + known.ttlMs;
      this.#lasting();
    }
    if (known) return known;
    this.#swept ??= this.now;
    const ttlMs = ttl ?? 10_000;
    const lease = {
      incarnation,
      ttlMs,
      expires: this.now + ttlMs,
      since: this.now,
      resync: this.now,
      drain: undefined,
      purges: [],
    };
    this.leases.set(serverAddr, lease);
    return lease;
  }
}
