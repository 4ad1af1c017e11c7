import { get } from '../core/api.js';
import { isDialogOpen } from '../core/dialogs.js';
import { h, isInUse, replace } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { note, panel } from '../core/parts.js';
import { relayTable } from './relayTable.js';

const POLL_INTERVAL_MS = 5_000;

/** The view of the relays: state, deliveries, lag and last error; an admin can pause and resume them. */
export function showRelays(main, context) {
  const page = new RelaysPage(context);
  const description = h('p', { class: 'small' }, t('relays.text'));
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.relays')),
    panel(t('relays.title'), { id: 'relays' }, page.element, description),
  );
  page.start();
}

/** The table of the relays, polled. */
class RelaysPage {
  element = h('div', {}, note(t('loading')));
  #context;
  #timer;
  /** Counts the loads: the response to an earlier one is dropped, because it may be older than a change. */
  #loads = 0;

  constructor(context) {
    this.#context = context;
  }

  start() {
    this.#context.signal.addEventListener('abort', () => clearTimeout(this.#timer));
    void this.#load();
  }

  async #load() {
    const { signal, onState, onFault, onResponse } = this.#context;
    clearTimeout(this.#timer);
    this.#loads += 1;
    const load = this.#loads;
    const isCurrent = () => load === this.#loads && !signal.aborted;
    try {
      const { relays } = await get('relays', {}, { signal });
      if (!isCurrent()) return;
      // A dialog returns the focus to the button that has opened it.
      if (!isDialogOpen() && !isInUse(this.element)) this.#draw(relays);
      onState('none');
      onResponse();
    } catch (error) {
      if (isCurrent()) onFault(error);
    }
    if (isCurrent()) this.#timer = setTimeout(() => void this.#load(), POLL_INTERVAL_MS);
  }

  #draw(relays) {
    const reload = () => void this.#load();
    replace(this.element, relays.length === 0 ? note(t('relays.none')) : relayTable(relays, reload));
  }
}
