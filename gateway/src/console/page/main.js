// The console: what it knows, when it asks, and which part is shown.

import { html, render, nothing } from './vendor/lit-html/lit-html.js';
import { get, keepToken, Refused } from './api.js';
import { words } from './chart.js';
import { count, duration, hash, plural } from './format.js';
import * as decisions from './decisions.js';
import * as policies from './policies.js';
import * as targets from './targets.js';
import * as force from './force.js';
import * as playground from './playground.js';

const VIEWS = {
  decisions: { title: 'Decisions', part: decisions },
  policies: { title: 'Policies', part: policies },
  targets: { title: 'Targets', part: targets },
  force: { title: 'In force', part: force },
  playground: { title: 'Playground', part: playground },
};

/** Everything that the parts share. */
export const app = {
  view: 'decisions',
  /** How things stand, and counts over time; nothing until the first reply. */
  state: null,
  course: null,
  minutes: 10,
  /** Why the gateway cannot be asked, if so. */
  trouble: null,
  wantsToken: false,
  /** Whether a token was tried and refused. */
  isWrong: false,
  update,
  go,
  ask,
  setMinutes,
};

let isDrawn = true;

/** Draws anew, once for all that has changed by then. */
function update() {
  if (!isDrawn) return;
  isDrawn = false;
  requestAnimationFrame(() => {
    isDrawn = true;
    render(page(), document.body);
  });
}

/** Asks the gateway, and notes whether it answers. Nothing when it does not. */
async function ask(asking) {
  try {
    const told = await asking();
    app.trouble = null;
    app.wantsToken = false;
    app.isWrong = false;
    return told;
  } catch (error) {
    if (error.name === 'AbortError') return null;
    if (error instanceof Refused && error.status === 401) app.wantsToken = true;
    else app.trouble = error instanceof Refused ? error.message : 'The gateway does not answer.';
    return null;
  } finally {
    update();
  }
}

/** Shows another part. `fields` are for that part. */
function go(view, fields) {
  app.view = view;
  VIEWS[view].part.open?.(app, fields);
  if (location.hash !== `#${view}`) history.pushState(null, '', `#${view}`);
  document.title = `${VIEWS[view].title} · kt console`;
  update();
  beat();
}

function setMinutes(minutes) {
  app.minutes = minutes;
  readCourse();
}

async function readState() {
  app.state = (await ask(() => get('state'))) ?? app.state;
}

async function readCourse() {
  app.course = (await ask(() => get('course', { minutes: app.minutes }))) ?? app.course;
}

let beats = 0;
let isBeating = false;

/** Asks for what is due. A page that nobody looks at asks for nothing. */
async function beat() {
  if (isBeating || document.hidden || app.wantsToken) return;
  isBeating = true;
  try {
    // Whether it may ask at all is asked first.
    if (!app.state) await readState();
    if (!app.state) return;
    const turn = beats++;
    const due = [];
    if (turn % 2 === 1) due.push(readState());
    if (app.view !== 'playground' && app.view !== 'force' && turn % 4 === 0) due.push(readCourse());
    const own = VIEWS[app.view].part.beat?.(app);
    await Promise.all([...due, own]);
  } finally {
    isBeating = false;
  }
}

function signIn(event) {
  event.preventDefault();
  keepToken(new FormData(event.target).get('token').trim());
  app.isWrong = true;
  ask(() => get('state')).then((state) => {
    app.state = state;
    beats = 0;
    beat();
  });
}

function asked() {
  return html`<main class="gate">
    <form @submit=${signIn}>
      <h1>Operator's token</h1>
      <p>This gateway asks for the token that <code>admin.token_ref</code> of its configuration names. It stays in this tab.</p>
      ${app.isWrong ? html`<p class="note is-bad" role="alert">This is not the token.</p>` : nothing}
      <label for="token">Token</label>
      <input id="token" name="token" type="password" autocomplete="off" required autofocus />
      <button class="primary">Open the console</button>
    </form>
  </main>`;
}

function head() {
  const { state } = app;
  const status = app.trouble ? 'unreachable' : state?.health.status ?? 'asking';
  const pack = state?.config.pack;
  const hurdle = (event, view) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(view);
  };
  return html`<header class="top">
    <a class="skip" href="#main" @click=${(event) => { event.preventDefault(); document.getElementById('main').focus(); }}>Skip to the content</a>
    <div class="name"><img src="/console/icon.svg" alt="" width="20" height="20" /><b>kt</b>
      ${pack ? html`<span class="quiet" title="pack ${pack.name}, configuration ${state.config.hash}">${pack.name} <span class="mono">${pack.version} · ${hash(state.config.hash)}</span></span>` : nothing}
    </div>
    <nav aria-label="Parts">
      ${Object.entries(VIEWS).map(([view, { title }]) => html`<a href="#${view}" aria-current=${view === app.view ? 'page' : nothing} @click=${(event) => hurdle(event, view)}>${title}</a>`)}
    </nav>
    <div class="vital">
      ${state ? html`<span><b>${count(state.in_flight)}</b> in flight</span><span><b>${count(state.health.requests_processed)}</b> since start, up ${duration(state.health.uptime_seconds)}</span>` : nothing}
      <span class="status is-${status}" role="status">${state?.draining ? 'draining' : status}</span>
    </div>
  </header>`;
}

/** What an operator must see wherever they look. */
function warnings() {
  const { state } = app;
  const told = [];
  if (app.trouble) told.push(['bad', app.trouble, null]);
  if (state) {
    const last = state.health.config.last_reload;
    if (last?.status === 'refused') told.push(['bad', `The last reload was refused, the configuration before it stays in force: ${last.reason}`, 'force']);
    if (!state.audit.sound) told.push(['bad', 'The audit log cannot be written.', 'targets']);
    if (!state.health.policies_enabled) told.push(['bad', 'The pack is disabled: no policy is applied.', 'force']);
    const away = state.config.targets.filter(({ id }) => state.health.providers[id] !== 'reachable').map(({ id }) => id);
    if (away.length) told.push(['warn', `${plural(away.length, 'target is', 'targets are')} not reachable: ${away.join(', ')}.`, 'targets']);
  }
  return told.map(([kind, text, view]) => html`<p class="banner is-${kind}">${words(text)} ${view && view !== app.view ? html`<button class="link" @click=${() => go(view)}>Show</button>` : nothing}</p>`);
}

function page() {
  if (app.wantsToken) return asked();
  return html`${head()}${warnings()}<main id="main" class="view is-${app.view}" tabindex="-1">${VIEWS[app.view].part.view(app)}</main>`;
}

function routed() {
  const view = location.hash.slice(1);
  if (Object.hasOwn(VIEWS, view) && view !== app.view) go(view);
}

addEventListener('hashchange', routed);
addEventListener('popstate', routed);
document.addEventListener('visibilitychange', beat);
document.addEventListener('keydown', (event) => VIEWS[app.view].part.key?.(app, event));
setInterval(beat, 1000);
routed();
update();
beat();
