// Decisions as they are made: the newest first, with filters; one of them explained beside the list.

import { html, nothing } from './vendor/lit-html/lit-html.js';
import { live } from './vendor/lit-html/directives/live.js';
import { repeat } from './vendor/lit-html/directives/repeat.js';
import { get } from './api.js';
import { chip, legend, stacked } from './chart.js';
import { clock, count, milliseconds, nothingKnown, plural, short, sum } from './format.js';
import * as explain from './explain.js';

/** Most rows that are kept. */
const MOST = 400;
/** How long a pause in typing is. */
const PAUSE = 250;
/** How often those who listen are told, in milliseconds. */
const TELL = 15_000;

const EMPTY = { verdict: '', policy: '', rule: '', target: '', model: '', user: '', q: '' };

const own = {
  filters: { ...EMPTY },
  rows: [],
  /** The number that the next reading goes on behind. */
  last: 0,
  oldest: 0,
  seen: 0,
  fitting: 0,
  isPaused: false,
  /** New ones since a pause began. */
  waiting: 0,
  chosen: null,
  said: '',
  saidAt: 0,
  unsaid: 0,
};

let reading = null;
let typing = null;

export function open(app, filters) {
  if (filters) filter(app, { ...EMPTY, ...filters });
}

function filter(app, filters) {
  own.filters = filters;
  Object.assign(own, { rows: [], last: 0, seen: 0, fitting: 0, waiting: 0 });
  app.update();
  return read(app, true);
}

/** Reads what is new; `anew` what there is. */
async function read(app, anew = false) {
  reading?.abort();
  reading = new AbortController();
  const { signal } = reading;
  const told = await app.ask(() => get('decisions', { ...own.filters, after: own.last, limit: MOST }, signal));
  if (!told) return;
  const gateway = told.last_seq < own.last ? 'another' : 'the same';
  if (gateway === 'another') return filter(app, own.filters);
  if (own.isPaused && !anew) {
    own.waiting = told.fitting;
    return app.update();
  }
  if (!anew) tell(told.records);
  own.rows = [...told.records, ...own.rows].slice(0, MOST);
  own.last = told.last_seq;
  own.oldest = told.oldest_seq;
  own.seen += told.seen;
  own.fitting += told.fitting;
  own.waiting = 0;
  app.update();
}

/** Says what came, now and then, for those who do not see it. */
function tell(records) {
  own.unsaid += records.length;
  if (!own.unsaid || Date.now() - own.saidAt < TELL) return;
  own.said = `${plural(own.unsaid, 'new decision')}`;
  own.saidAt = Date.now();
  own.unsaid = 0;
}

export const beat = (app) => read(app);

export function key(app, event) {
  const isTyping = event.target.closest?.('input, select, textarea');
  if (event.key === 'Escape' && own.chosen) return close(app);
  if (isTyping || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === '/') {
    event.preventDefault();
    document.getElementById('q')?.focus();
  }
  if (event.key === 'p') pause(app);
}

function pause(app) {
  own.isPaused = !own.isPaused;
  app.update();
  if (!own.isPaused) read(app);
}

function choose(app, record) {
  own.chosen = record;
  explain.open(app, record);
  app.update();
  requestAnimationFrame(() => document.getElementById('explained')?.focus());
}

function close(app) {
  const { seq } = own.chosen;
  own.chosen = null;
  app.update();
  requestAnimationFrame(() => document.getElementById(`row-${seq}`)?.focus());
}

/** Up and down the list with the arrows; the row that has the focus is opened with Enter. */
function move(app, event, record) {
  const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
  if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault();
    return choose(app, record);
  }
  if (!step) return;
  event.preventDefault();
  const next = own.rows[own.rows.indexOf(record) + step];
  if (!next) return;
  document.getElementById(`row-${next.seq}`)?.focus();
  if (own.chosen) {
    own.chosen = next;
    explain.open(app, next);
    app.update();
  }
}

function field(app, name, label, options) {
  const change = (event) => {
    const filters = { ...own.filters, [name]: event.target.value };
    clearTimeout(typing);
    if (options) return filter(app, filters);
    own.filters = filters;
    typing = setTimeout(() => filter(app, filters), PAUSE);
  };
  const value = own.filters[name];
  const control = options
    ? html`<select id=${name} class=${value ? 'is-set' : ''} .value=${live(value)} @change=${change}>
        <option value="">any</option>
        ${[...new Set([...options, value].filter(Boolean))].map((option) => html`<option value=${option} ?selected=${option === value}>${option}</option>`)}
      </select>`
    : html`<input id=${name} class=${value ? 'is-set' : ''} type="search" maxlength="200" autocomplete="off" spellcheck="false" .value=${live(value)} @input=${change} placeholder=${name === 'q' ? 'id, request, reason, error  ( / )' : 'contains'} />`;
  return html`<div class="field is-${name}"><label for=${name}>${label}</label>${control}</div>`;
}

function filters(app) {
  const chain = app.state?.chain ?? [];
  const rules = chain.filter(({ name }) => !own.filters.policy || name === own.filters.policy).flatMap(({ rules }) => rules);
  const isSet = Object.values(own.filters).some(Boolean);
  return html`<form class="filters" role="search" aria-label="Filter decisions" @submit=${(event) => event.preventDefault()}>
    ${field(app, 'verdict', 'Verdict', ['block', 'escalate', 'redact', 'flag', 'allow'])}
    ${field(app, 'policy', 'Policy', chain.map(({ name }) => name))}
    ${field(app, 'rule', 'Rule', rules)}
    ${field(app, 'target', 'Target', (app.state?.config.targets ?? []).map(({ id }) => id))}
    ${field(app, 'model', 'Model')}
    ${field(app, 'user', 'User or key')}
    ${field(app, 'q', 'Search')}
    <button type="button" ?disabled=${!isSet} @click=${() => filter(app, { ...EMPTY })}>Clear</button>
    <button type="button" class="pause" aria-pressed=${own.isPaused} title="P" @click=${() => pause(app)}>${own.isPaused ? html`Paused${own.waiting ? html`, ${count(own.waiting)} new` : nothing}` : 'Pause'}</button>
  </form>`;
}

const COLUMNS = ['Time', 'Verdict', 'Policy · rule', 'Reason', 'Findings', 'Target', 'Model', 'User', 'Status', 'Tokens', 'Took'];
const NUMBERS = new Set(['Findings', 'Status', 'Tokens', 'Took']);

function row(app, record) {
  const found = sum(record.policies_evaluated.map(({ findings }) => findings.length)) + record.findings_left_out;
  const tokens = record.input_tokens == null && record.output_tokens == null ? nothingKnown : `${short(record.input_tokens)} → ${short(record.output_tokens)}`;
  const isChosen = own.chosen?.seq === record.seq;
  const isFirst = own.rows[0] === record;
  return html`<tr id="row-${record.seq}" class="is-${record.verdict} ${isChosen ? 'is-chosen' : ''}" tabindex=${isChosen || (!own.chosen && isFirst) ? 0 : -1} aria-selected=${isChosen} @click=${() => choose(app, record)} @keydown=${(event) => move(app, event, record)}>
    <td class="mono">${clock(record.timestamp)}</td>
    <td>${chip(record.verdict)}</td>
    <td class="strong">${record.policy ? html`${record.policy}<span class="quiet"> · ${record.rule ?? 'could not run'}</span>` : html`<span class="quiet">${nothingKnown}</span>`}</td>
    <td class="mono">${record.reason_code ?? record.error ?? ''}</td>
    <td class="number">${found || ''}</td>
    <td>${record.target ?? html`<span class="quiet">${nothingKnown}</span>`}${record.attempts.length > 1 ? html` <span class="quiet" title="attempts">×${record.attempts.length}</span>` : nothing}</td>
    <td class="mono cut" title=${record.model ?? ''}>${record.model?.split('/').at(-1) ?? ''}</td>
    <td class="cut">${record.user_id ?? record.key ?? ''}</td>
    <td class="number ${record.status >= 400 ? 'is-bad' : ''}">${record.status}</td>
    <td class="number">${tokens}</td>
    <td class="number">${milliseconds(record.latency_ms)}</td>
  </tr>`;
}

function list(app) {
  if (!own.rows.length) {
    const isSet = Object.values(own.filters).some(Boolean);
    return html`<div class="empty"><p>${isSet ? 'No decision in memory fits these filters.' : 'No request has ended yet.'}</p>
      ${isSet ? nothing : html`<p class="quiet">Decisions show up here a moment after the answer is over. Older ones are in the audit log: <code>kt audit tail</code>.</p>`}</div>`;
  }
  const more = own.fitting - own.rows.length;
  return html`<div class="scroll" tabindex="-1"><table class="decisions" role="grid" aria-label="Decisions, the newest first" aria-readonly="true">
      <thead><tr>${COLUMNS.map((name) => html`<th scope="col" class=${NUMBERS.has(name) ? 'number' : ''}>${name}</th>`)}</tr></thead>
      <tbody>${repeat(own.rows, ({ seq }) => seq, (record) => row(app, record))}</tbody>
    </table></div>
    <p class="foot quiet">${plural(own.rows.length, 'decision')} shown${more > 0 ? html`, ${count(more)} older ones not` : nothing}. Kept in memory since record ${count(own.oldest)}; the audit log has all. <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Enter</kbd> explains, <kbd>Esc</kbd> closes, <kbd>/</kbd> searches, <kbd>P</kbd> pauses.</p>`;
}

export function windows(app) {
  return html`<div class="windows" role="group" aria-label="How far back">
    ${[10, 30, 60].map((minutes) => html`<button aria-pressed=${app.minutes === minutes} @click=${() => app.setMinutes(minutes)}>${minutes === 60 ? '1 h' : `${minutes} min`}</button>`)}
  </div>`;
}

export function view(app) {
  const { course } = app;
  return html`<h1 class="unseen">Decisions</h1>
    <section class="over" aria-label="Verdicts over time">
      ${course ? html`<div class="totals">${legend(course.verdicts)}${windows(app)}</div>${stacked(course, course.verdicts, 'Requests by verdict', 44)}` : nothing}
    </section>
    ${filters(app)}
    <div class="split ${own.chosen ? 'is-open' : ''}">
      <section class="list" aria-label="Decisions">${list(app)}</section>
      ${own.chosen ? explain.panel(app, own.chosen, () => close(app)) : nothing}
    </div>
    <p class="unseen" aria-live="polite">${own.said}</p>`;
}
