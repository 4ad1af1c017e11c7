import type { EndpointHealth } from 'imstate-client/internal/connection/endpointFollower';
import type { EndpointEvent, EndpointList } from 'imstate-client/internal/connection/endpoints';
import { faultJson } from 'imstate-client/internal/json';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { shortStoreId } from '../../store/identity.js';
import type { MixedRegistry } from '../input/mixedRegistry.js';
import { type Cell, colors, renderTable } from './style.js';
import { absoluteTime } from './times.js';

/** The daemons as a human-readable table. */
export function endpointTable({ service, description, endpoints }: EndpointList): string {
  if (endpoints.length === 0)
    return `no daemon is registered as ${service} (registry: ${description}): imstate serve starts one`;
  const head = [['Address'], ['Health'], ['Latency']];
  if (endpoints.every(({ storeId }) => storeId === undefined)) return renderTable(head, endpoints.map(toRow));
  const rows = endpoints.map((endpoint) => {
    const { storeId } = endpoint;
    return [...toRow(endpoint), [storeId === undefined ? '' : shortStoreId(storeId)]];
  });
  return renderTable([...head, ['Store']], rows);
}

/** A warning if daemons use different stores, as far as that is known. */
function storesWarning(endpoints: EndpointHealth[]): string | undefined {
  const stores = new Set(endpoints.flatMap(({ storeId }) => storeId ?? []));
  if (stores.size < 2) return undefined;
  return (
    `daemons use ${stores.size} different stores, so each answers for a part of the users only: ` +
    'correct --redis or --key-prefix of those with the wrong one, and restart them'
  );
}

/** The JSON of `endpoints`. */
export function endpointsJson({ service, endpoints }: EndpointList) {
  const withStores = endpoints.map((each) => ({ ...endpointJson(each), storeId: each.storeId ?? null }));
  return { service: service ?? null, endpoints: withStores };
}

/** An event as human-readable lines. A registry that does not answer is a warning, and no line. */
export function endpointLines(event: EndpointEvent): string[] {
  if (event.type === 'list') return [endpointTable(event)];
  const { gray, bold } = colors();
  const when = gray(absoluteTime(new Date()));
  if (event.type === 'registry') return event.error ? [] : [`${when}  the registry answers again`];
  if (event.type === 'removed') return [`${when}  ${bold(event.addr)}  left the registry`];
  const [addr, health, latency] = toRow(event).flat();
  const came = event.type === 'added' ? 'added: ' : '';
  return [[when, bold(addr), `${came}${health}`, latency].filter(Boolean).join('  ')];
}

/** The warnings of an event; `mixed` has seen the events before. */
export function warningsOf(event: EndpointEvent, mixed: MixedRegistry): string[] {
  const stores = event.type === 'list' ? storesWarning(event.endpoints) : undefined;
  const faults = faultsIn(event).map(({ message }) => message);
  return [...faults, stores, mixed.note(event)].filter((warning) => warning !== undefined);
}

/** Faults: a registry that does not answer, a TLS connection that fails. */
function faultsIn(event: EndpointEvent): ImstateError[] {
  if (event.type === 'registry') return event.error ? [event.error] : [];
  if (event.type === 'removed') return [];
  const probes = event.type === 'list' ? event.endpoints : [event];
  return probes.flatMap(({ fault }) => fault ?? []);
}

/** The JSON of an event. */
export function endpointEventJson(event: EndpointEvent): object {
  if (event.type === 'list') return { type: event.type, ...endpointsJson(event) };
  const time = new Date().toISOString();
  if (event.type === 'removed') return { ...event, time };
  if (event.type !== 'registry') return { type: event.type, ...endpointJson(event), time };
  const error = event.error ? faultJson(event.error) : null;
  return { type: event.type, error, time };
}

function endpointJson({ addr, health, latencyMs }: EndpointHealth) {
  return { addr, health, latencyMs: latencyMs ?? null };
}

function toRow({ addr, health, latencyMs }: EndpointHealth): Cell[] {
  const { green, red, yellow } = colors();
  const color = health === 'SERVING' ? green : health === 'UNREACHABLE' ? red : yellow;
  return [[addr], [color(health)], [latencyMs === undefined ? '' : `${latencyMs} ms`]];
}
