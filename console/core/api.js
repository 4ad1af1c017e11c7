// The token is kept for this tab only, and sent as a header: no other page can make the browser send it.
const TOKEN = 'imstate.token';
const BASE = new URL('../../api/v1/', import.meta.url);

/**
 * An error that the daemon answered, that there was no answer (UNREACHABLE), or that another one answered, such as a reverse proxy: HTTP_STATUS,
 * with the status as its message.
 */
export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? '',
  set: (value) => sessionStorage.setItem(TOKEN, value),
  clear: () => sessionStorage.removeItem(TOKEN),
};

/** Asks; resolves with what was answered, or rejects with an ApiError. */
export async function get(name, parameters = {}, options = {}) {
  return (await request(name, { ...options, parameters })).json();
}

/** As get(), with a body. */
export async function post(name, body) {
  const headers = { 'content-type': 'application/json' };
  return (await request(name, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

/** Resolves with an answer whose body is still to be read. */
export async function request(name, { parameters = {}, headers = {}, ...options }) {
  const url = new URL(name, BASE);
  for (const [key, value] of Object.entries(parameters)) {
    for (const each of [value].flat()) url.searchParams.append(key, each);
  }
  const authorization = token.get() === '' ? {} : { authorization: `Bearer ${token.get()}` };
  const answer = await fetch(url, {
    ...options,
    headers: { ...headers, ...authorization },
    cache: 'no-store',
    credentials: 'same-origin',
  }).catch((error) => {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('UNREACHABLE', error.message);
  });
  if (!answer.ok) throw await errorOf(answer);
  return answer;
}

async function errorOf(answer) {
  const { error } = (await answer.json().catch(() => undefined)) ?? {};
  return error ? new ApiError(error.code, error.message) : new ApiError('HTTP_STATUS', String(answer.status));
}
