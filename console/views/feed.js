import { announce } from '../core/announce.js';
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { at, badge, deviceName, reasonName, serverName, userName } from '../core/parts.js';
import { row, table } from '../core/tables.js';

const MAX_ROWS = 300;
const COLUMNS = [['time', 'time'], ['user'], ['device'], ['state', 'state'], ['server']];

/** A list of changes, newest first, drawn at most once per frame. */
export class Feed {
  #go;
  #body = h('tbody');
  #empty = h('p', { class: 'note' }, t('changes.none'));
  #missing = h('p', { class: 'note', hidden: true });
  #changes = [];
  #waiting = [];
  #passes = () => true;
  #isPaused = false;
  #isScheduled = false;
  #skipped = 0;
  #hasLost = false;
  #isLagging = false;
  #unannounced = 0;

  constructor(go) {
    this.#go = go;
    const rows = table(t('changes.title'), COLUMNS, [], { body: this.#body, kind: 'fixed brief' });
    rows.classList.add('tall');
    this.element = h('div', {}, this.#missing, rows, this.#empty);
    const props = { type: 'button', id: 'pause', 'aria-pressed': 'false' };
    this.pauseButton = h('button', { ...props, on: { click: () => this.toggle() } }, t('changes.pause'));
  }

  add(event) {
    if (event.type === 'skipped') this.#skipped += event.changes;
    else if (event.type === 'lagging' || event.type === 'caughtUp')
      this.#isLagging = event.type === 'lagging';
    else if (event.type === 'change') {
      this.#waiting.push(event);
      // While paused, drop the oldest: they would not be shown any more.
      if (this.#waiting.length > MAX_ROWS) this.#waiting.shift();
      this.#unannounced += 1;
    }
    this.#scheduleDraw();
  }

  /** Shows that changes were lost while the connection was lost. */
  showLoss() {
    this.#hasLost = true;
    announce(t('changes.lost'));
    this.#scheduleDraw();
  }

  /** Shows only changes that pass the filter. */
  filter(passes) {
    this.#passes = passes;
    this.#body.replaceChildren(...this.#rowsOf(this.#changes));
    this.#scheduleDraw();
  }

  toggle() {
    this.#isPaused = !this.#isPaused;
    this.pauseButton.setAttribute('aria-pressed', String(this.#isPaused));
    this.#scheduleDraw();
  }

  /** Announces to screen readers how many changes arrived since the last announcement. */
  announceCount() {
    if (this.#unannounced > 0 && !this.#isPaused)
      announce(t('changes.received', { count: this.#unannounced }));
    this.#unannounced = 0;
  }

  #scheduleDraw() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  #draw() {
    const count = this.#waiting.length;
    this.pauseButton.textContent = this.#isPaused ? t('changes.resume', { n: count }) : t('changes.pause');
    if (!this.#isPaused) {
      const fresh = this.#waiting.splice(0).reverse();
      this.#changes = [...fresh, ...this.#changes].slice(0, MAX_ROWS);
      this.#body.prepend(...this.#rowsOf(fresh));
      while (this.#body.childElementCount > MAX_ROWS) this.#body.lastElementChild.remove();
    }
    this.#empty.hidden = this.#body.childElementCount > 0;
    const missing = [
      this.#isLagging && t('changes.lagging'),
      this.#hasLost && t('changes.lost'),
      this.#skipped > 0 && t('changes.skipped', { count: this.#skipped }),
    ].filter(Boolean);
    this.#missing.hidden = missing.length === 0;
    this.#missing.textContent = missing.join(' ');
  }

  #rowsOf(changes) {
    return changes.filter(this.#passes).map((change) => this.#rowOf(change));
  }

  #rowOf({ userId, deviceId, online, userOnline, session, ended, time }) {
    const { serverAddr = '' } = session ?? ended ?? {};
    const under = (text) => h('span', { class: 'under' }, text);
    const replaced = online && ended && under(replacedText(ended));
    return row(
      COLUMNS,
      { open: () => this.#go('users', userId) },
      at(time),
      userName(userId),
      deviceName({ ...session, deviceId }),
      h('div', {}, badge(online, ended ?? {}), !online && userOnline && under(t('changes.elsewhere'))),
      serverAddr && serverName(serverAddr, replaced),
    );
  }
}

function replacedText({ reason, serverAddr }) {
  return t('changes.replaced', { reason: reasonName(reason), server: serverAddr });
}
