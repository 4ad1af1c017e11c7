import { ApiError, request } from './api.js';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;
/** The daemon sends an event about every 5 s, or a comment while its store is unavailable. */
const SILENCE_MS = 20_000;

/**
 * Receives server-sent events until the signal aborts, and resumes after a lost connection. EventSource
 * cannot send headers, and therefore no token.
 *
 * `onEvent` receives each event. `onState` receives 'live' (with the first event), 'away' (it reconnects;
 * with the error of the daemon, if any), and 'lost' (missed events are gone). Rejects with an ApiError if a
 * retry would not help.
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
      if (error instanceof ApiError && isPermanent(error)) throw error;
      if (error instanceof ApiError && error.code !== 'UNREACHABLE') reason = error;
      if (error.code === 'OUT_OF_RANGE') {
        lastId = '';
        onState('lost');
      }
    }
    if (signal.aborted) return;
    onState('away', reason);
    await sleep(pause, signal);
    pause = Math.min(pause * 2, MAX_PAUSE_MS);
  }
}

function isPermanent({ code }) {
  return ['INVALID_ARGUMENT', 'UNAUTHENTICATED', 'PERMISSION_DENIED'].includes(code);
}

async function read(name, parameters, lastId, signal, onEvent) {
  const attempt = new AbortController();
  const abort = () => attempt.abort();
  signal.addEventListener('abort', abort);
  let timer = setTimeout(abort, SILENCE_MS);
  try {
    const headers = lastId === '' ? {} : { 'last-event-id': lastId };
    const response = await request(name, { parameters, headers, signal: attempt.signal });
    const texts = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await texts.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS);
      const frames = (rest + value).split('\n\n');
      rest = frames.pop();
      for (const frame of frames) dispatch(frame, onEvent);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    attempt.abort();
  }
}

function dispatch(frame, onEvent) {
  let id = '';
  let data = '';
  for (const line of frame.split('\n')) {
    if (line.startsWith('id: ')) id = line.slice(4);
    else if (line.startsWith('data: ')) data += line.slice(6);
  }
  if (data !== '') onEvent(JSON.parse(data), id);
}

function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
