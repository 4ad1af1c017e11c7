const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element. Children are nodes or texts; a text never becomes markup. `on` has listeners, `class` the classes, what is undefined, null
 * or false is left out, and anything else is an attribute.
 */
export function h(name, props = {}, ...children) {
  return fill(document.createElement(name), props, children);
}

/** As h(), in a drawing. */
export function svg(name, props = {}, ...children) {
  return fill(document.createElementNS(SVG, name), props, children);
}

/** Puts children in the place of those that an element has. What has the focus keeps it, by its `data-key`. */
export function replace(element, ...children) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...flat(children));
  if (key === undefined) return;
  const next = element.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? document.getElementById('main');
  next.focus({ preventScroll: true });
}

/** Whether somebody presses or selects something in an element: then it is not to be replaced. */
export function isInHand(element) {
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
