const SVG = 'http://www.w3.org/2000/svg';

/**
 * Creates an element. Children are nodes or texts; text is never parsed as markup. `on` contains listeners;
 * all other properties are attributes, unless they are undefined, null or false.
 */
export function h(name, props = {}, ...children) {
  return fill(document.createElement(name), props, children);
}

/** Like h(), for SVG. */
export function svg(name, props = {}, ...children) {
  return fill(document.createElementNS(SVG, name), props, children);
}

/** Replaces the children of an element. The focus stays on the element with the same `data-key`. */
export function replace(element, ...children) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...flat(children));
  if (key === undefined) return;
  const next = element.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? document.getElementById('main');
  next.focus({ preventScroll: true });
}

/** Whether the user presses or selects something in an element, which must then not be replaced. */
export function isInUse(element) {
  const selection = getSelection();
  const isSelected = !selection.isCollapsed && element.contains(selection.anchorNode);
  return isSelected || element.querySelector(':active') !== null;
}

function fill(element, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const [type, listener] of Object.entries(on)) element.addEventListener(type, listener);
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children
    .flat(Number.POSITIVE_INFINITY)
    .filter((child) => child !== undefined && child !== null && child !== false);
}
