import type { ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import { hasCallFields } from '../internals/grpcCall.js';
import type { PatchReport } from '../internals/patchReport.js';
import type { CallObserver } from '../observability/callObserver.js';
import { operationsIn } from '../observability/operationNames.js';
import type { Kind, Method } from './method.js';
import { requestRuleOf } from './requests/requestRules.js';

const KINDS = new Map<string, Kind>([
  ['/imstate.v1.PresenceService/Watch', 'watch'],
  ['/imstate.v1.PresenceService/Apply', 'apply'],
  ['/imstate.v1.PresenceService/KeepServerAlive', 'lease'],
  ['/imstate.v1.PresenceService/Heartbeat', 'vital'],
  ['/grpc.health.v1.Health/Check', 'probe'],
  ['/grpc.health.v1.Health/List', 'probe'],
  ['/grpc.health.v1.Health/Watch', 'probe'],
]);
const READS = new Set(
  [
    'GetUser',
    'BatchGetUsers',
    'Route',
    'ListHistory',
    'ListSessions',
    'ListServers',
    'GetStats',
    'ListAudit',
    'ExportUser',
  ].map((name) => `/imstate.v1.PresenceService/${name}`),
);

/** The methods that were called, each with what its calls have in common. */
export class Methods {
  readonly #observer: CallObserver;
  readonly #patches: PatchReport;
  readonly #methods = new Map<string, Method>();

  constructor(observer: CallObserver, patches: PatchReport) {
    this.#observer = observer;
    this.#patches = patches;
  }

  /** The method of a call. */
  of(definition: Parameters<ServerInterceptor>[0], call: ServerInterceptingCallInterface): Method {
    return this.#methods.get(definition.path) ?? this.#add(definition, call);
  }

  #add(
    { path, requestStream, responseStream }: Parameters<ServerInterceptor>[0],
    call: ServerInterceptingCallInterface,
  ): Method {
    this.#patches.note('grpcCall', hasCallFields(call));
    const isStream = requestStream || responseStream;
    const method = {
      path,
      kind: KINDS.get(path) ?? (isStream ? 'stream' : 'call'),
      isRequestStream: requestStream,
      isUnary: !isStream,
      isRead: READS.has(path),
      rule: requestRuleOf(path),
      counts: this.#observer.counts.of(path, isStream),
      operationsIn: operationsIn(path),
    };
    this.#methods.set(path, method);
    return method;
  }
}
