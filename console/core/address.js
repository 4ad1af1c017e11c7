/** The URL fragment of a view: `#/users/alice`. */
export function hashOf(view, argument = '') {
  return `#/${view}${argument === '' ? '' : `/${encodeURIComponent(argument)}`}`;
}

/** The view and the argument of the current URL fragment. */
export function readHash() {
  const [, view = '', argument = ''] = /^#\/(\w+)\/?(.*)$/.exec(location.hash) ?? [];
  return { view, argument: decode(argument) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
