import type { WatchEvent } from 'imstate-client';
import { readDevice } from 'imstate-client/internal/calls/readDevice';
import type { UserSnapshot__Output } from 'imstate-client/internal/generated/imstate/v1/UserSnapshot';
import { watchEventJson } from 'imstate-client/internal/json';
import { readChange } from 'imstate-client/internal/watch/readWatch';
import { LIMITS } from '../../../presence/limits.js';
import { broken, checkId, checkServerName } from '../../../presence/validate.js';
import { copyString } from '../../copyString.js';
import { toChange } from '../../messages/responses.js';
import { MAX_WATCHED_USERS, type WatchTarget } from '../../messages/watchTarget.js';
import type { Shared } from '../../watch/backlog.js';
import type { PublishedChange } from '../../watch/publishedChange.js';
import { Watch } from '../../watch/watch.js';
import type { WatchMessage } from '../../watch/watchMessage.js';
import type { WatchSink } from '../../watch/watchSink.js';
import type { Exchange } from '../routes.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { ChangeRateLimit } from './changeRateLimit.js';
import { type EventStream, formatEvent } from './eventStream.js';
import type { Parameters } from './parameters.js';

/** The maximum of `max`, far above what a page can show in a second. */
const MAX_PER_SECOND = 10_000;

/** GET /api/v1/watch: what `imstate watch --json` prints, as server-sent events. */
export function watchCall({ hub, streams }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'watch',
    role: 'reader',
    isStream: true,
    parameters: ['userId', 'serverAddr', 'all', 'initial', 'resume', 'coalesce', 'most'],
    async answer(parameters, exchange) {
      const target = readTarget(parameters, exchange);
      const max = parameters.number('most', 0, 0, MAX_PER_SECOND);
      const stream = streams.open(exchange);
      const rateLimit = new ChangeRateLimit(max || Number.POSITIVE_INFINITY);
      const watch = new Watch(hub, new EventStreamSink(stream, rateLimit), target);
      stream.onClose(() => watch.close());
      stream.onGone(() => watch.disconnected());
      watch.start();
      return undefined;
    },
  };
}

function readTarget(parameters: Parameters, { request }: Exchange): WatchTarget {
  // They are kept while the watch is open.
  const userIds = parameters.list('userId').map(copyString);
  const serverAddrs = parameters.list('serverAddr').map(copyString);
  const named = [userIds.length > 0, serverAddrs.length > 0, parameters.flag('all', false)];
  if (named.filter(Boolean).length !== 1)
    throw broken('userId', 'or serverAddr or all=true must be given: one of the three');
  if (userIds.length > MAX_WATCHED_USERS) throw broken('userId', 'must be given at most 10,000 times');
  if (serverAddrs.length > LIMITS.watchedServers.max)
    throw broken('serverAddr', 'must be given at most 1,000 times');
  for (const userId of userIds) checkId('userId', userId);
  for (const serverAddr of serverAddrs) checkServerName('serverAddr', serverAddr);
  // The ID of the last event that a reconnecting browser has received.
  const resumeRevision = copyString(String(request.headers['last-event-id'] ?? parameters.text('resume')));
  return {
    userIds: userIds.length > 0 ? new Set(userIds) : undefined,
    serverAddrs: serverAddrs.length > 0 ? new Set(serverAddrs) : undefined,
    initialState: parameters.flag('initial', true) && resumeRevision === '',
    resumeRevision,
    resumeTimeMs: undefined,
    coalesce: parameters.flag('coalesce', false),
  };
}

/**
 * Writes the messages of a watch to an event stream. The watch limits what waits for a slow reader, as for
 * gRPC.
 */
class EventStreamSink implements WatchSink {
  readonly #stream: EventStream;
  readonly #rateLimit: ChangeRateLimit;

  constructor(stream: EventStream, rateLimit: ChangeRateLimit) {
    this.#stream = stream;
    this.#rateLimit = rateLimit;
  }

  send(message: WatchMessage, onTaken: () => void): Shared {
    const text = textOf(message, this.#rateLimit);
    if (text === '') setImmediate(onTaken);
    else this.#stream.sendText(text, onTaken);
    return { size: text.length, holders: 0, closedHolders: 0 };
  }

  end(error: unknown): void {
    this.#stream.end(error);
  }

  reset(): void {
    this.#stream.cut();
  }
}

/** The events of a message. The last one carries the revision behind all of them. */
function textOf(message: WatchMessage, rateLimit: ChangeRateLimit): string {
  const { snapshot, changes, synced, revision, laggingSinceMs, caughtUp } = message;
  const events = snapshot.map(snapshotEvent);
  if (synced) events.push(eventOf('synced', { revision }));
  if (laggingSinceMs !== undefined)
    events.push(eventOf('lagging', { since: new Date(laggingSinceMs).toISOString() }));
  if (caughtUp) events.push(eventOf('caughtUp', {}));
  const passed = changes.filter(() => rateLimit.passes());
  // Sent when there is a pause, or something else to send.
  const skipped = passed.length > 0 || changes.length === 0 ? rateLimit.takeSkipped() : 0;
  if (skipped > 0) events.push(eventOf('skipped', { changes: skipped }));
  for (const change of passed) events.push({ type: 'change', data: jsonOf(change) });
  if (events.length === 0 && changes.length === 0) events.push(eventOf('progress', { revision }));
  const last = events.length - 1;
  return events
    .map(({ type, data }, i) => formatEvent(type, data, (i === last && revision) || undefined))
    .join('');
}

function snapshotEvent(snapshot: UserSnapshot__Output): { type: string; data: string } {
  const { userId, devices } = snapshot;
  const event: WatchEvent = { type: 'snapshot', userId, devices: devices.map(readDevice) };
  return { type: event.type, data: JSON.stringify(watchEventJson(event, snapshot)) };
}

function eventOf(type: string, fields: object): { type: string; data: string } {
  return { type, data: JSON.stringify({ type, ...fields }) };
}

/** A change as JSON, made once for all streams. */
function jsonOf(published: PublishedChange): string {
  const { change } = published;
  published.json ??= JSON.stringify(
    watchEventJson({ type: 'change', ...readChange(toChange(change, published)) }),
  );
  return published.json;
}
