import type { Relay } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { formatDuration } from '../flags/durations.js';
import { count } from './count.js';
import { type Cell, colors, renderTable } from './style.js';
import { absoluteTime, relativeTime } from './times.js';

const HEAD = [['Relay'], ['State', 'Holder'], ['Delivered', 'Failed'], ['Lag'], ['Target', 'Last error']];

/** Relays, one a row. */
export function relayTable(relays: readonly Relay[]): string {
  return renderTable(HEAD, relays.map(toRow));
}

/** A relay, line by line. */
export function describeRelay(relay: Relay): string[] {
  const { name, target, delivered, failed, snapshots, deliveredTime, holder, lastError } = relay;
  const last = deliveredTime ? `, the last of ${absoluteTime(deliveredTime)}` : '';
  const lines = [
    `relay      ${name}, ${stateText(relay)}${holder ? `, ${holder}` : ''}`,
    `target     ${target}`,
    `delivered  ${delivered.toLocaleString('en')} events${last}`,
    `failed     ${failed.toLocaleString('en')} attempts`,
    `snapshots  ${snapshots.toLocaleString('en')}`,
    `lag        ${lagText(relay)}`,
  ];
  return lastError ? [...lines, `error      ${lastError}`] : lines;
}

/** What a command rejects with if there is no relay of the name. */
export function notFoundRelay(name: string): ImstateError {
  const message = `there is no relay ${JSON.stringify(name)}: imstate relay list shows those there are`;
  return new ImstateError('NOT_FOUND', message, { field: 'name' });
}

function toRow(relay: Relay): Cell[] {
  const { name, holder = '', delivered, failed, target, lastError = '', deliveredTime } = relay;
  return [
    [name],
    [stateText(relay), holder],
    [delivered.toLocaleString('en'), failed.toLocaleString('en')],
    [lagText(relay), deliveredTime ? relativeTime(deliveredTime) : ''],
    [target, lastError],
  ];
}

function stateText({ state }: Relay): string {
  const { green, red, yellow } = colors();
  const color = state === 'RUNNING' ? green : state === 'PAUSED' ? yellow : red;
  return color(state);
}

function lagText({ lagMs, lagChanges, isBehindLog }: Relay): string {
  if (isBehindLog) return 'changes are gone: snapshots follow';
  if (lagMs === undefined || lagChanges === undefined) return 'unknown';
  return lagChanges === 0 ? 'none' : `${formatDuration(Math.round(lagMs))}, ${count(lagChanges, 'change')}`;
}
