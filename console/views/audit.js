import { announce } from '../core/announce.js';
import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { at, none, note, panel } from '../core/parts.js';
import { row, table } from '../core/tables.js';
import { auditFilter, readFilter } from './auditFilter.js';
import { actionName, detailOf, identityName, outcomeBadge, targetOf } from './auditTexts.js';
import { exportTools } from './exports.js';

const PAGE_SIZE = 200;
const COLUMNS = [['time', 'time'], ['by'], ['action'], ['target'], ['outcome', 'state'], ['detail']];
/** The view of what administrators did: `#/audit`, `#/audit/identity=ops`. */
export function showAudit(main, { argument, go, ...context }) {
  const filter = readFilter(argument);
  const list = new AuditList(filter, context);
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.audit')),
    panel(t('audit.title'), { id: 'audit', tools: list.tools }, auditFilter(filter, go), list.element),
  );
  list.start();
}

/** The records that pass a filter, page by page. */
class AuditList {
  element = h('div', {}, note(t('loading')));
  tools;
  #filter;
  #context;
  #records = [];
  #next = null;

  constructor(filter, context) {
    this.#filter = filter;
    this.#context = context;
    this.tools = exportTools(
      {
        name: 'audit',
        parameters: filter.parameters(),
        names: [],
        rowsOf: ({ records }) => records,
        toCsvRow,
        toJson: (records, { isCut }) => ({ records, more: isCut }),
      },
      context,
    );
  }

  async start() {
    await this.#more();
    if (!this.#context.signal.aborted) announce(t('audit.found', { count: this.#records.length }));
  }

  async #more() {
    const { signal, onFault, onResponse } = this.#context;
    try {
      const page = await this.#read(PAGE_SIZE, this.#next);
      if (signal.aborted) return;
      onResponse();
      this.#records.push(...page.records);
      this.#next = page.nextPageToken;
      this.#draw();
    } catch (error) {
      if (!signal.aborted) onFault(error);
    }
  }

  #read(pageSize, pageToken) {
    const page = pageToken === null ? { pageSize } : { pageSize, pageToken };
    return get('audit', { ...this.#filter.parameters(), ...page }, { signal: this.#context.signal });
  }

  #draw() {
    const rows = this.#records.map(rowOf);
    const content = rows.length > 0 ? table(t('audit.title'), COLUMNS, rows) : note(t('audit.none'));
    replace(this.element, content, this.#next !== null && this.#moreButton());
  }

  #moreButton() {
    const click = async ({ currentTarget }) => {
      currentTarget.disabled = true;
      await this.#more();
      currentTarget.disabled = false;
    };
    return h('button', { type: 'button', 'data-key': 'more', on: { click } }, t('more'));
  }
}

/** A record in columns: those of the HTTP API, without objects. */
function toCsvRow({ identity, target, ...record }) {
  const { type: targetType, name: targetName, ...named } = target;
  return { ...record, identity: identity.name, kind: identity.kind, targetType, ...named, targetName };
}

function rowOf(record) {
  const { id, time, identity, role, source, action } = record;
  return row(
    COLUMNS,
    { key: `record ${id}` },
    at(time),
    h(
      'div',
      {},
      h('span', { class: 'id' }, identityName(identity)),
      h('span', { class: 'under' }, [role, source].filter(Boolean).join(' · ')),
    ),
    actionName(action),
    targetOf(record.target),
    outcomeBadge(record),
    detailOf(record) || none(),
  );
}
