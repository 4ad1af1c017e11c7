import { hashOf, readHash } from './core/address.js';
import { clearFault, showFault, showLink } from './core/connection.js';
import { h, replace } from './core/dom.js';
import { setLanguage, startLanguage, t, translate } from './core/i18n.js';
import { listen, showHelp } from './core/keys.js';
import { remember, remembered } from './core/memory.js';
import { callerName, faultText, note } from './core/parts.js';
import { askForToken, me, signIn, signOut } from './core/session.js';
import { refreshTimes } from './core/times.js';
import { currentZone, otherZone, setZone } from './core/zone.js';
import { showAudit } from './views/audit.js';
import { showChanges } from './views/changes.js';
import { showCluster } from './views/cluster.js';
import { showDaemons } from './views/daemons.js';
import { showPolicies } from './views/policies.js';
import { showRelays } from './views/relays.js';
import { showSessions } from './views/sessions.js';
import { showUsers } from './views/users.js';

const VIEWS = {
  users: showUsers,
  cluster: showCluster,
  changes: showChanges,
  daemons: showDaemons,
  policies: showPolicies,
  relays: showRelays,
  audit: showAudit,
  sessions: showSessions,
};
/** The tabs of views that have none of their own. */
const TABS = { sessions: 'cluster' };
const THEMES = ['auto', 'light', 'dark'];
const THEME = 'imstate.theme';
const RETRY_MS = 3_000;
const main = document.getElementById('main');
const languages = document.getElementById('language');
const themes = document.getElementById('theme');
const zones = document.getElementById('zone');

let over = new AbortController();
let shown = {};

/** Shows the view of the URL fragment, such as `#/users/alice`. */
function show() {
  const { view: named, argument, params } = readHash();
  const view = Object.hasOwn(VIEWS, named) ? named : 'users';
  over.abort();
  over = new AbortController();
  const { signal } = over;
  for (const tab of document.querySelectorAll('#tabs a')) {
    if (tab.dataset.view === (TABS[view] ?? view)) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
  }
  document.title = `${t(`nav.${view}`)} · imstate`;
  showLink('none');
  const onState = (state, reason) => !signal.aborted && showLink(state === 'lost' ? 'away' : state, reason);
  const onFault = (error) => !signal.aborted && fault(error);
  const context = { argument, params, go, signal, onState, onFault, onResponse: clearFault };
  shown = VIEWS[view](main, context) ?? {};
}

function go(view, argument, params) {
  const hash = hashOf(view, argument, params);
  // Reload the view.
  if (hash === location.hash) show();
  else location.hash = hash;
}

async function fault(error) {
  if (error.code === 'UNAUTHENTICATED') {
    over.abort();
    showLink('none');
    await askForToken(error);
    start();
  } else if (error.code === 'UNREACHABLE') showLink('away');
  else showFault(faultText(error));
}

function useTheme(theme) {
  document.documentElement.dataset.theme = theme;
  themes.value = theme;
  remember(THEME, theme);
  document.dispatchEvent(new Event('themechange'));
}

function useZone(zone) {
  zones.value = zone;
  setZone(zone);
}

function useLanguage(language) {
  setLanguage(language);
  languages.value = language;
  label();
  show();
}

function label() {
  translate(document);
  const name = me.name === null ? t('foot.anybody') : callerName(me.name);
  replace(
    document.getElementById('foot'),
    `${name} · ${t(`role.${me.role}`)} · `,
    h('a', { href: '../api/openapi.yaml' }, t('foot.api')),
  );
  document.getElementById('sign-out').hidden = me.name === null;
  document.querySelector('#tabs [data-view=audit]').hidden = me.role !== 'admin';
}

async function start() {
  translate(document);
  try {
    await signIn();
    label();
    show();
  } catch (error) {
    replace(main, note(faultText(error), 'bad'));
    setTimeout(start, RETRY_MS);
  }
}

languages.value = startLanguage();
themes.value = remembered(THEME) ?? 'auto';
zones.value = currentZone();
languages.addEventListener('change', () => useLanguage(languages.value));
themes.addEventListener('change', () => useTheme(themes.value));
zones.addEventListener('change', () => useZone(zones.value));
document.getElementById('help').addEventListener('click', showHelp);
document.getElementById('sign-out').addEventListener('click', signOut);
document.getElementById('skip').addEventListener('click', (event) => {
  // The URL fragment names a view, not a position in it.
  event.preventDefault();
  main.focus();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
  document.dispatchEvent(new Event('themechange')),
);
addEventListener('hashchange', show);
setInterval(refreshTimes, 5_000);
listen({
  '/': () => {
    const field = document.getElementById('search');
    field?.focus();
    field?.select();
    // The view without a user focuses its search field.
    if (!field) go('users', '');
  },
  1: () => go('users', ''),
  2: () => go('cluster', ''),
  3: () => go('changes', ''),
  4: () => go('daemons', ''),
  5: () => go('policies', ''),
  6: () => go('relays', ''),
  7: () => me.role === 'admin' && go('audit', ''),
  '?': showHelp,
  p: () => shown.pause?.(),
  t: () => useTheme(THEMES[(THEMES.indexOf(themes.value) + 1) % THEMES.length]),
  z: () => useZone(otherZone()),
  l: () => useLanguage(languages.value === 'en' ? 'zh-CN' : 'en'),
});
start();
