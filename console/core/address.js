/** The URL fragment of a view: `#/users/alice?range=day`. Parameters that are empty are left out. */
export function hashOf(view, argument = '', params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== '' && value !== undefined);
  const query = new URLSearchParams(given).toString();
  const path = argument === '' ? view : `${view}/${encodeURIComponent(argument)}`;
  return `#/${path}${query === '' ? '' : `?${query}`}`;
}

/** The view, the argument and the parameters of the current URL fragment. */
export function readHash() {
  const [, view = '', argument = '', query = ''] = /^#\/(\w+)\/?([^?]*)\??(.*)$/s.exec(location.hash) ?? [];
  return { view, argument: decode(argument), params: Object.fromEntries(new URLSearchParams(query)) };
}

/** Changes parameters of the URL of a view that shows them already. "Back" returns to those before. */
export function setParams(changes) {
  const { view, argument, params } = readHash();
  const hash = hashOf(view || 'users', argument, { ...params, ...changes });
  if (hash !== location.hash) history.pushState(null, '', hash);
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
