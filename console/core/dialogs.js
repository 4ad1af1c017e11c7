import { h } from './dom.js';

/**
 * Shows a dialog, and resolves with its value; undefined if it was closed without one. `make` receives a
 * function that closes the dialog with a value, and returns its content.
 */
export function ask(title, make, { isLasting = false } = {}) {
  return new Promise((resolve) => {
    let decided;
    const decide = (value) => {
      decided = value;
      dialog.close();
    };
    const heading = h('h2', { id: 'dialog-title' }, title);
    const dialog = h('dialog', { 'aria-labelledby': heading.id }, heading, make(decide));
    dialog.addEventListener('cancel', (event) => {
      if (isLasting) event.preventDefault();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(decided);
    });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector('[data-first]')?.focus();
  });
}

/** True while a dialog is open. */
export function isDialogOpen() {
  return document.querySelector('dialog[open]') !== null;
}
