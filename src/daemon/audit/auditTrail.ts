import type { Metadata } from '@grpc/grpc-js';
import { parseHostPort } from 'imstate-client/internal/shared/address';
import type { AuditOutcome } from 'imstate-client/internal/shared/audit';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { AuditIdentity, AuditRecord } from '../../presence/audit.js';
import type { PresenceStore } from '../../store/store.js';
import type { DeniedCall } from '../auth/denialLog.js';
import type { RequestIds } from '../observability/requestIds.js';
import { ACTS, type Act, type ActRequest } from './acts.js';
import { AuditWriter } from './auditWriter.js';
import { DenialLimit } from './denialLimit.js';
import { makeRecordId } from './recordId.js';

/** The limit of texts that may come from outside. Characters. */
const MAX_NAME = 256;
const MAX_DETAIL = 512;
const FLUSH_INTERVAL_MS = 10_000;
const DENIED = ['PERMISSION_DENIED', 'UNAUTHENTICATED'];
const HOST: AuditIdentity = { kind: 'HOST', name: 'host' };

/** The caller, and how it called. */
export interface ActCall {
  identity: AuditIdentity;
  /** '' if the caller has none. */
  role: string;
  /** The address of the caller. */
  source: string;
  metadata: Metadata;
  via: 'GRPC' | 'HTTP';
}

/** What a record says of itself; the trail adds the rest. */
type Entry = Omit<AuditRecord, 'id' | 'daemon' | 'omitted'> & { omitted?: number };

/** An act that reaches the daemon by a file or a signal. */
export type HostAct = Pick<Entry, 'action' | 'target' | 'detail' | 'omitted'> & { via: 'FILE' | 'SIGNAL' };

/** What an {@link AuditTrail} works with. */
export interface AuditTrailParts {
  store: Pick<PresenceStore, 'recordAudit' | 'pseudonymOf'>;
  log: Logger;
  requestIds: RequestIds;
  /** The registered address of the daemon, host:port. */
  advertised(): string;
}

/**
 * Records what administrators do: a line of the log, and a record in the store. An act is never refused or
 * undone because its record cannot be stored. See docs/audit.md.
 */
export class AuditTrail {
  /** How many records there were, by outcome. */
  readonly records: Record<AuditOutcome, number> = { OK: 0, DENIED: 0, FAILED: 0 };
  readonly #parts: AuditTrailParts;
  readonly #log: Logger;
  readonly #writer: AuditWriter;
  readonly #denials = new DenialLimit<Entry>((entry, omitted) => void this.#record({ ...entry, omitted }));
  readonly #flushes = setInterval(() => this.#denials.flush(), FLUSH_INTERVAL_MS).unref();

  constructor(parts: AuditTrailParts) {
    const { log, store } = parts;
    this.#parts = parts;
    // At any log level: who can change it must not be able to hide. A daemon without a log stays silent.
    this.#log = log.level === 'silent' ? log : log.child({}, { level: 'info' });
    this.#writer = new AuditWriter(store, log);
  }

  /** How many records could not be stored. */
  get writeFailures(): number {
    return this.#writer.failures;
  }

  /**
   * Runs an act, and records it before it resolves or rejects: who gets the response finds the record. A
   * request that breaks a rule is no act. `read` returns the request.
   */
  async run<Response>(
    act: Act,
    call: ActCall,
    read: () => ActRequest | Promise<ActRequest>,
    execute: () => Promise<Response> | Response,
  ): Promise<Response> {
    if (act.isRead) return execute();
    let response: Response;
    try {
      response = await execute();
    } catch (error) {
      const isAct = !(error instanceof ImstateError) || error.code !== 'INVALID_ARGUMENT';
      if (isAct) {
        const request = await this.#shown(act, await read());
        await this.#record({ ...this.#entryOf(act, call, request), ...failureOf(error) });
      }
      throw error;
    }
    const request = await this.#shown(act, await read());
    const detail = act.detail?.(response as never, request) ?? '';
    await this.#record({ ...this.#entryOf(act, call, request), outcome: 'OK', code: '', detail });
    return response;
  }

  /** Records a call of an act that was denied before anything of its request was read; not each of many. */
  denied({ method, identity, role, peer: source, metadata, error }: DeniedCall): void {
    const act = ACTS[method];
    if (act === undefined || !DENIED.includes(error.code)) return;
    const via = method.startsWith('/') ? 'GRPC' : 'HTTP';
    const call: ActCall = { identity, role, source, metadata, via };
    const key = JSON.stringify([error.code, method, parseHostPort(source)?.host ?? source, identity]);
    this.#denials.note(key, { ...this.#entryOf(act, call, {}), ...failureOf(error) });
  }

  /** Records what somebody did on the machine of the daemon. */
  note(act: HostAct): void {
    const nobody = { identity: HOST, role: '', source: '', requestId: '' };
    void this.#record({ ...nobody, outcome: 'OK', code: '', ...act });
  }

  /** Records the numbers of denials, and writes what waits for the store. */
  async close(): Promise<void> {
    clearInterval(this.#flushes);
    this.#denials.close();
    await this.#writer.close();
  }

  /** The request as records show it. */
  async #shown(act: Act, request: ActRequest): Promise<ActRequest> {
    if (!act.hidesUser || typeof request.userId !== 'string') return request;
    // Without a store there is no pseudonym; the id must not be known either.
    return { userId: await this.#parts.store.pseudonymOf(request.userId).catch(() => '') };
  }

  #entryOf(act: Act, { metadata, ...call }: ActCall, request: ActRequest) {
    const requestId = this.#parts.requestIds.of(metadata);
    return { action: act.action, target: act.target(request), requestId, ...call };
  }

  async #record(entry: Entry): Promise<void> {
    const record: AuditRecord = {
      id: makeRecordId(),
      omitted: 0,
      ...entry,
      identity: { ...entry.identity, name: entry.identity.name.slice(0, MAX_NAME) },
      detail: entry.detail.slice(0, MAX_DETAIL),
      daemon: this.#parts.advertised(),
    };
    this.records[record.outcome] += 1;
    this.#log.info(withoutEmpty(record), 'administrative act');
    await this.#writer.write(record);
  }
}

function failureOf(error: unknown): Pick<AuditRecord, 'outcome' | 'code' | 'detail'> {
  const code = error instanceof ImstateError ? error.code : 'INTERNAL';
  const outcome = DENIED.includes(code) ? 'DENIED' : 'FAILED';
  // The message of another error may say anything.
  return { outcome, code, detail: code === 'INTERNAL' ? 'internal error' : messageOf(error) };
}

/** The fields of a record that say something. */
function withoutEmpty(record: AuditRecord): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== '' && value !== 0));
}
