// The playground: a rule file and texts, compiled and judged as they are typed. Nothing of it is kept or logged.

import { html, nothing } from './vendor/lit-html/lit-html.js';
import { live } from './vendor/lit-html/directives/live.js';
import { get, play, Refused } from './api.js';
import { chip, words } from './chart.js';
import { area } from './marks.js';
import { count, plural } from './format.js';

/** How long a pause in typing is before it is tried. */
const PAUSE = 300;

/** How many characters of a clause are shown. */
const LONG = 120;

const BLANK = `policy house
version "1.0.0"

pattern codename = /project (bluebird|nightjar)/i label CODENAME

rule no_codenames on request, response {
  when text has codename
  do redact
  code "house.codename"
  message "internal names stay inside"
}

test "a codename is taken out" {
  user "Project Bluebird ships in May"
  expect text "[CODENAME] ships in May"
}

test "birds may be talked about" {
  user "a bluebird on a branch"
  expect allow
}
`;

const own = {
  files: null,
  file: 'draft.ktr',
  origin: '',
  rules: BLANK,
  arguments: '',
  text: 'Project Bluebird ships in May. Mail ann.smith@example.com about it.',
  answer: '',
  told: null,
  trouble: null,
  isRunning: false,
};

let typing = null;
let running = null;

export async function open(app) {
  if (!own.told) run(app);
  own.files ??= (await app.ask(() => get('policies')))?.files ?? null;
  app.update();
}

export function beat(app) {
  if (!own.files) return open(app);
}

function type(app, name, text) {
  own[name] = text;
  clearTimeout(typing);
  typing = setTimeout(() => run(app), PAUSE);
  app.update();
}

async function run(app) {
  running?.abort();
  running = new AbortController();
  own.isRunning = true;
  const { file, rules, text, answer } = own;
  const draft = { file, rules, arguments: own.arguments, text, answer };
  try {
    own.told = { ...(await play(draft, running.signal)), draft };
    own.trouble = null;
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (error instanceof Refused && error.status === 401) app.wantsToken = true;
    own.trouble = error instanceof Refused ? error.message : 'The gateway does not answer.';
    // Another run was in the way: what is here is tried again.
    if (error.status === 429) typing = setTimeout(() => run(app), 1000);
  }
  own.isRunning = false;
  app.update();
}

function start(app, value) {
  const chosen = own.files?.[Number(value)];
  own.origin = value;
  own.rules = chosen?.text ?? BLANK;
  own.file = chosen?.file ?? 'draft.ktr';
  own.arguments = '';
  run(app);
  app.update();
}

function choice(app) {
  const files = (own.files ?? []).map((file, at) => ({ ...file, at }));
  const group = (label, origin) => {
    const its = files.filter((file) => file.origin === origin);
    return its.length ? html`<optgroup label=${label}>${its.map(({ name, at }) => html`<option value=${at}>${name}</option>`)}</optgroup>` : nothing;
  };
  return html`<div class="field"><label for="start">Start from</label><select id="start" .value=${live(own.origin)} @change=${(event) => start(app, event.target.value)}>
    <option value="">a small example</option>${group('In force', 'in_force')}${group('Shipped with kt', 'shipped')}
  </select></div>`;
}

/** What was told of the texts as they are; of older ones the places no longer fit. */
function findings(name) {
  const { told } = own;
  if (!told?.judged?.findings || told.draft[name] !== own[name]) return [];
  return told.judged.findings
    .filter((found) => found.in === name)
    .map(({ start, end, label, policy, rule }) => ({ start, end, kind: 'found', title: `${label} by ${policy}.${rule}` }));
}

function mistakes() {
  const { told } = own;
  if (!told || told.draft.rules !== own.rules) return [];
  return told.diagnostics.filter(({ range }) => range).map(({ range: [start, end], severity, code, message }) => ({ start, end, kind: severity, title: `${code}: ${message}` }));
}

function marked_lines() {
  const { told } = own;
  if (!told || told.draft.rules !== own.rules) return new Map();
  const here = told.diagnostics.filter(({ range }) => range);
  return new Map(here.toReversed().map(({ line, severity }) => [line, severity]));
}

function jump({ range }) {
  const editor = document.getElementById('rules');
  if (!range || !editor) return;
  editor.focus();
  editor.setSelectionRange(range[0], range[1]);
}

function diagnostic(found) {
  const { code, severity, message, label, suggestion, line, column, file, range, related } = found;
  const place = range ? html`<button class="link mono" aria-label="Go to line ${line}, column ${column}" @click=${() => jump(found)}>${line}:${column}</button>` : html`<span class="mono">${file}:${line}:${column}</span>`;
  return html`<li class="is-${severity}">
    <p>${place} <b class="code" title="kt policy explain ${code}">${code}</b> ${words(message)}${label ? html` <span class="quiet">– ${words(label)}</span>` : nothing}</p>
    ${suggestion ? html`<p class="help">${words(suggestion)}</p>` : nothing}
    ${related.map(({ line, words: said }) => html`<p class="quiet">line ${line}: ${words(said)}</p>`)}
  </li>`;
}

function diagnostics() {
  const { told, trouble, isRunning } = own;
  if (trouble) return html`<p class="note is-bad">${trouble}</p>`;
  if (!told) return html`<p class="quiet">${isRunning ? 'trying …' : ''}</p>`;
  if (!told.diagnostics.length) return html`<p class="quiet"><span class="state is-good">compiles</span> without a warning${told.library ? '; it is a library, which judges nothing by itself' : ''}</p>`;
  const errors = told.diagnostics.filter(({ severity }) => severity === 'error').length;
  const others = told.diagnostics.length - errors;
  return html`<p><span class="state is-${errors ? 'bad' : 'good'}">${errors ? plural(errors, 'error') : 'compiles'}</span>${others ? html` <span class="state is-warn">${plural(others, 'warning')}</span>` : nothing}</p>
    <ul class="problems">${told.diagnostics.slice(0, 50).map(diagnostic)}</ul>`;
}

function value(of) {
  return of === true ? 'yes' : of === false ? 'no' : of == null ? '–' : String(of);
}

/** A clause on one line; what is long is cut. */
function line_of(text) {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > LONG ? `${line.slice(0, LONG)} …` : line;
}

const OUTCOMES = { no: 'no', not_asked: 'not asked', off: 'switched off' };

function account({ policy, rule, phase, outcome, line, clauses }) {
  const held = !(outcome in OUTCOMES);
  return html`<details class="account" ?open=${held}>
    <summary>${held ? chip(outcome) : html`<span class="chip is-none">${OUTCOMES[outcome]}</span>`} <b>${rule}</b> <span class="quiet">on the ${phase === 'response' ? 'answer' : phase}, line ${line}</span></summary>
    <ol>${clauses.map(({ depth, text, value: of, decides, found }) => html`<li class="deep-${Math.min(depth, 6)} ${decides ? 'decides' : ''}"><span class="value is-${typeof of === 'boolean' ? of : 'other'}">${value(of)}</span><code title=${text}>${line_of(text)}</code>${found.length ? html` <span class="quiet">found ${found.join(', ')}</span>` : nothing}</li>`)}</ol>
  </details>`;
}

function verdict() {
  const { told } = own;
  if (!told) return nothing;
  if (!told.compiles) return html`<p class="quiet">The texts are judged when the rules compile.</p>`;
  const { judged } = told;
  if (!judged) return html`<p class="quiet">Type a prompt or an answer to have it judged.</p>`;
  if (judged.error) return html`<p class="note is-bad">${judged.error}</p>`;
  const found = judged.findings.length + judged.findings_left_out;
  const by = judged.rule ? html` by <b>${judged.rule}</b>${judged.reason_code ? html` <code>${judged.reason_code}</code>` : nothing}` : nothing;
  const shown = judged.rules.toSorted((a, b) => (a.outcome in OUTCOMES) - (b.outcome in OUTCOMES));
  return html`<p class="verdict">${chip(judged.verdict)}${by}${judged.message ? html`<span class="quiet">: ${words(judged.message)}</span>` : nothing}</p>
    ${found ? html`<table class="plain"><thead><tr><th scope="col">Label</th><th scope="col">Rule</th><th scope="col">In</th><th scope="col" class="number">Characters</th></tr></thead>
      <tbody>${judged.findings.slice(0, 50).map(({ label, rule, in: where, start, end }) => html`<tr><td><code>${label}</code></td><td>${rule}</td><td>${where === 'text' ? 'prompt' : 'answer'}</td><td class="number">${count(start)}–${count(end)}</td></tr>`)}</tbody></table>` : nothing}
    ${judged.output != null && judged.verdict === 'redact' ? html`<h3>As it is sent</h3><pre class="sent" tabindex="0">${judged.output}</pre>` : nothing}
    ${judged.reservations.length ? html`<h3>Reserved of budgets</h3><ul class="reserved">${judged.reservations.map(({ rule, text }) => html`<li><b>${rule}</b> ${text}</li>`)}</ul>` : nothing}
    ${judged.held ? html`<p class="quiet">Of the answer at most ${plural(judged.held.bytes, 'byte')} would wait in a stream${judged.held.by ? html`, for <code>${judged.held.by}</code>` : nothing}.</p>` : nothing}
    <h3>Rules</h3>${shown.map(account)}`;
}

export function view(app) {
  return html`<div class="title"><h1>Playground</h1>${choice(app)}<p class="quiet">Runs in the gateway, apart from its traffic. Nothing that you type is kept or logged, and nothing here changes what is in force.</p></div>
    <div class="bench">
      <section class="left" aria-label="Rules">
        <h2><label for="rules">Rules</label> <span class="place">${own.file}</span></h2>
        ${area({ id: 'rules', label: 'Rule file', text: own.rules, marks: mistakes(), numbered: true, lines: marked_lines(), most: 120_000, help: 'told', onInput: (text) => type(app, 'rules', text) })}
        <details class="arguments"><summary>Arguments</summary>
          ${area({ id: 'arguments', label: 'Arguments as YAML', text: own.arguments, most: 16_000, placeholder: 'action: block   – as under policy.<name> in the configuration', onInput: (text) => type(app, 'arguments', text) })}</details>
        <div id="told" class="told" aria-live="polite">${diagnostics()}</div>
      </section>
      <section class="right" aria-label="Texts">
        <h2><label for="text">Prompt</label></h2>
        ${area({ id: 'text', label: 'Prompt', text: own.text, marks: findings('text'), most: 30_000, placeholder: 'What a user says', onInput: (text) => type(app, 'text', text) })}
        <h2><label for="answer">Answer</label> <span class="place">optional</span></h2>
        ${area({ id: 'answer', label: 'Answer', text: own.answer, marks: findings('answer'), most: 30_000, placeholder: 'What the model answers', onInput: (text) => type(app, 'answer', text) })}
        <div class="told" aria-live="polite">${verdict()}</div>
      </section>
    </div>`;
}
