import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { parseHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { PresenceStore } from '../../store/store.js';
import { proxyAgentFor } from '../httpProxy.js';
import { doneWithin } from '../stopLimit.js';
import type { ObservedCall } from './observedCall.js';

/** How long the collector may take, and how long a stopping daemon waits for it. Milliseconds. */
const EXPORT_MS = 2_000;
const LAST_EXPORT_MS = 1_000;

/** The span of one call. */
export interface CallSpan {
  /** Runs an action within the call: store spans that begin meanwhile are its children. */
  run(action: () => void): void;
  /** The call ended with this gRPC code. */
  end(code: number): void;
}

/** The store methods that have spans: all that a call may use. */
const TRACED = new Set<PropertyKey>([
  ...(['online', 'offline', 'heartbeat', 'apply', 'getUser', 'getDevice', 'getHistory'] as const),
  ...(['keepServerAlive', 'evictUser', 'evictSession', 'evictServer', 'drainServer'] as const),
  ...(['listSessions', 'listServers', 'getStats', 'getFeatureLevel', 'raiseFeatureLevel'] as const),
  ...(['listAudit', 'listChanges', 'eraseUser', 'validateLogin'] as const),
] satisfies (keyof PresenceStore)[]);

/** The gRPC codes that are errors of the server, by the RPC conventions of OpenTelemetry. */
const FAULTS = new Set([2, 4, 12, 13, 14, 15]);

/**
 * Spans of calls and of their use of the store, sent over OTLP/HTTP. This file is loaded only if tracing is
 * on. The standard variables of OpenTelemetry (OTEL_TRACES_SAMPLER, …) set sampling and resources.
 */
export class Tracing {
  readonly #exporter: ReportingExporter;
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #current = new AsyncLocalStorage<Context>();

  /** `endpoint` is the base URL of a collector, such as http://127.0.0.1:4318. */
  constructor(endpoint: string, log: Logger) {
    const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
    const { origin, pathname } = new URL(url);
    const agent = proxyAgentFor(new URL(url));
    const proxied = agent && { httpAgentOptions: () => agent };
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MS, ...proxied });
    this.#exporter = new ReportingExporter(exporter, `${origin}${pathname}`, log);
    this.#provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'imstate', 'service.instance.id': randomUUID() }),
      spanProcessors: [new BatchSpanProcessor(this.#exporter)],
    });
    this.#tracer = this.#provider.getTracer('imstate');
  }

  /** Begins the span of a call, as a child of the caller's span if `traceparent` names one. */
  begin({ path, metadata, peer }: ObservedCall): CallSpan {
    const [, service = '', method = ''] = path.split('/');
    const attributes = {
      'rpc.system': 'grpc',
      'rpc.service': service,
      'rpc.method': method,
      ...peerAttributes(peer),
    };
    const parent = parentOf(metadata.get('traceparent'), metadata.get('tracestate'));
    const span = this.#tracer.startSpan(path.slice(1), { kind: SpanKind.SERVER, attributes }, parent);
    const context = trace.setSpan(parent, span);
    return {
      run: (action) => this.#current.run(context, action),
      end: (code) => {
        span.setAttribute('rpc.grpc.status_code', code);
        if (FAULTS.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  /** The same store, with a span for each use by a call. */
  traced(store: PresenceStore): PresenceStore {
    return new Proxy(store, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (!TRACED.has(name)) return value.bind(target);
        return (...args: unknown[]) =>
          this.#inSpan(`store ${String(name)}`, () => value.apply(target, args) as Promise<unknown>);
      },
    });
  }

  /** Sends what was not sent yet, for at most a second: the collector may never respond. */
  async close(): Promise<void> {
    const sent = this.#provider.shutdown().catch(() => {});
    if (!(await doneWithin(LAST_EXPORT_MS, sent))) this.#exporter.reportFailure('no response within 1 s');
  }

  async #inSpan<T>(name: string, action: () => Promise<T>): Promise<T> {
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT }, this.#current.getStore());
    try {
      return await action();
    } catch (error) {
      // An error of the caller is no fault of the store.
      if (!(error instanceof ImstateError) || FAULTS.has(error.status))
        span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
      throw error;
    } finally {
      span.end();
    }
  }
}

/** Passes spans to an exporter, and logs when failures begin and end. */
class ReportingExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  /** The URL of the collector, without a password. */
  readonly #url: string;
  readonly #log: Logger;
  #fails = false;

  constructor(exporter: SpanExporter, url: string, log: Logger) {
    this.#exporter = exporter;
    this.#url = url;
    this.#log = log;
  }

  export(...[spans, done]: Parameters<SpanExporter['export']>): void {
    this.#exporter.export(spans, (result) => {
      const { error } = result;
      if (error) this.reportFailure(messageOf(error));
      else if (this.#fails) this.#log.info({ url: this.#url }, 'the collector accepts traces again');
      this.#fails = error !== undefined;
      done(result);
    });
  }

  /** Warns once, until the collector accepts traces again. */
  reportFailure(reason: string): void {
    if (!this.#fails)
      this.#log.warn({ url: this.#url, reason }, 'traces are lost: the collector does not accept them');
    this.#fails = true;
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}

function peerAttributes(peer: string) {
  const { host = peer, port } = parseHostPort(peer) ?? {};
  return { 'network.peer.address': host, ...(port !== undefined && { 'network.peer.port': port }) };
}

/** Parses the headers of W3C Trace Context. Anything else begins a new trace. */
function parentOf([traceparent]: unknown[], [tracestate]: unknown[]): Context {
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/.exec(`${traceparent}`);
  if (match === null) return ROOT_CONTEXT;
  const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(typeof tracestate === 'string' && { traceState: createTraceState(tracestate) }),
  });
}
