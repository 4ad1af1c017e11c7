// The token is kept for this tab only. It is sent as a header, which other pages cannot make the browser do.
const TOKEN = 'imstate.token';
const BASE = new URL('../../api/v1/', import.meta.url);

/**
 * An error of the daemon, a missing response (UNREACHABLE), or an error of something else such as a reverse
 * proxy (HTTP_STATUS, with the status as its message). `field` is the parameter, or key of the body, that the
 * daemon rejects, if it is about one.
 */
export class ApiError extends Error {
  constructor(code, message, field) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? '',
  set: (value) => sessionStorage.setItem(TOKEN, value),
  clear: () => sessionStorage.removeItem(TOKEN),
};

/** Makes a GET request. Resolves with the JSON of the response, or rejects with an ApiError. */
export async function get(name, parameters = {}, options = {}) {
  return (await request(name, { ...options, parameters })).json();
}

/** Like get(), as a POST request with a body. */
export async function post(name, body) {
  const headers = { 'content-type': 'application/json' };
  return (await request(name, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

/** Resolves with a response whose body has not been read. */
export async function request(name, { parameters = {}, headers = {}, ...options }) {
  const url = new URL(name, BASE);
  for (const [key, value] of Object.entries(parameters)) {
    for (const each of [value].flat()) url.searchParams.append(key, each);
  }
  const authorization = token.get() === '' ? {} : { authorization: `Bearer ${token.get()}` };
  const response = await fetch(url, {
    ...options,
    headers: { ...headers, ...authorization },
    cache: 'no-store',
    credentials: 'same-origin',
  }).catch((error) => {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('UNREACHABLE', error.message);
  });
  if (!response.ok) throw await errorFrom(response);
  return response;
}

async function errorFrom(response) {
  const { error } = (await response.json().catch(() => undefined)) ?? {};
  return error
    ? new ApiError(error.code, error.message, error.field)
    : new ApiError('HTTP_STATUS', String(response.status));
}
