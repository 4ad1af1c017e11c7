/** Where a view is found: `#/users/alice`. */
export function hashOf(view, argument = '') {
  return `#/${view}${argument === '' ? '' : `/${encodeURIComponent(argument)}`}`;
}

/** The view that the address names, and its argument. */
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
