import { ApiError, request } from './api.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** The daemon says something every 5 s or so: an event, or a comment while its store is away. */
const SILENCE_MS = 20_000;

/**
 * Follows server-sent events until the signal aborts; what was missed while the connection was away follows. Not an EventSource, which sends
 * no headers and so no token.
 *
 * `onEvent` is given each event. `onState` is told 'live' (with the first event: from then on nothing is missed), 'away' (it is tried again; with the error that the daemon answered, if it did),
 * and 'lost' (what was missed is gone). Rejects with an ApiError that a repeat does not mend.
 */
export async function follow(name, parameters, { onEvent, onState, signal }) {
  let lastId = '';
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    let isLive = false;
    let reason;
    try {
      await read(name, parameters, lastId, signal, (event, id) => {
        if (event.type === 'error') throw new ApiError(event.error.code, event.error.message);
        if (id !== '') lastId = id;
        pause = FIRST_PAUSE_MS;
        if (!isLive) onState('live');
        isLive = true;
        onEvent(event);
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && isLasting(error)) throw error;
      if (error instanceof ApiError && error.code !== 'UNREACHABLE') reason = error;
      if (error.code === 'OUT_OF_RANGE') {
        lastId = '';
        onState('lost');
      }
    }
    if (signal.aborted) return;
    onState('away', reason);
    await rest(pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

function isLasting({ code }) {
  return ['INVALID_ARGUMENT', 'UNAUTHENTICATED', 'PERMISSION_DENIED'].includes(code);
}

async function read(name, parameters, lastId, signal, onEvent) {
  const attempt = new AbortController();
  const abort = () => attempt.abort();
  signal.addEventListener('abort', abort);
  let timer = setTimeout(abort, SILENCE_MS);
  try {
    const headers = lastId === '' ? {} : { 'last-event-id': lastId };
    const answer = await request(name, { parameters, headers, signal: attempt.signal });
    const texts = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await texts.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS);
      const frames = (rest + value).split('\n\n');
      rest = frames.pop();
      for (const frame of frames) tell(frame, onEvent);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    attempt.abort();
  }
}

function tell(frame, onEvent) {
  let id = '';
  let data = '';
  for (const line of frame.split('\n')) {
    if (line.startsWith('id: ')) id = line.slice(4);
    else if (line.startsWith('data: ')) data += line.slice(6);
  }
  if (data !== '') onEvent(JSON.parse(data), id);
}

function rest(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
