// One decision in full: who decided and why, what each policy came to, what was found, and the record behind it.

import { html, nothing } from './vendor/lit-html/lit-html.js';
import { get } from './api.js';
import { chip, words } from './chart.js';
import { count, dollars, micros, milliseconds, moment, nothingKnown, plural } from './format.js';

/** Most findings that are listed. */
const MOST = 100;

const own = { seq: null, rule: null, isMissing: false };

/** Asks for the text of the rule that decided. */
export async function open(app, record) {
  Object.assign(own, { seq: record.seq, rule: null, isMissing: false });
  if (!record.policy || !record.rule) return;
  const { policy, rule, seq } = record;
  const told = await get('rule', { policy, rule }).catch(() => null);
  if (own.seq !== seq) return;
  own.rule = told;
  own.isMissing = !told;
  app.update();
}

const WHAT = {
  allow: 'Let through',
  flag: 'Let through and flagged',
  redact: 'Let through with redactions',
  escalate: 'Held back for review',
  block: 'Blocked',
};

function sentence(record) {
  const what = WHAT[record.verdict] ?? record.verdict;
  if (!record.policy) return html`<p class="why">${what}: no policy had anything to say.</p>`;
  if (!record.rule) return html`<p class="why">${what} by policy <b>${record.policy}</b>, which could not run.</p>`;
  return html`<p class="why">${what} by rule <b>${record.rule}</b> of <b>${record.policy}</b>${record.reason_code ? html`, with the reason <code>${record.reason_code}</code>` : nothing}.</p>`;
}

function facts(record) {
  const rows = [
    ['Request', html`<code>${record.request_id}</code>`],
    ['Endpoint', record.endpoint && html`${record.endpoint}${record.stream ? ', streamed' : ''}`],
    ['Outcome', html`${record.outcome.replace('_', ' ')}, status ${record.status}${record.error ? html`, <code>${record.error}</code>` : nothing}`],
    ['Took', milliseconds(record.latency_ms)],
    ['Model', record.model && html`<code>${record.model}</code>`],
    ['Target', record.target && html`${record.target} <span class="quiet">at ${record.provider}</span>`],
    ['User', record.user_id],
    ['Key', record.key],
    ['Tokens', record.input_tokens == null && record.output_tokens == null ? null : html`${count(record.input_tokens)} in, ${count(record.output_tokens)} out`],
    ['Cost', record.cost_usd == null ? null : dollars(record.cost_usd)],
    ['Severity', record.severity],
    ['Tags', record.tags.length ? record.tags.join(', ') : null],
  ];
  return html`<dl class="facts">${rows.filter(([, value]) => value).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function policies(record) {
  const longest = Math.max(...record.policies_evaluated.map(({ latency_us }) => latency_us), 1);
  if (!record.policies_evaluated.length) return html`<p class="quiet">No policy was asked: the request was turned away before.</p>`;
  return html`<table class="plain">
    <thead><tr><th scope="col">Policy</th><th scope="col">Result</th><th scope="col" class="number">Findings</th><th scope="col" class="number">Time</th><th></th></tr></thead>
    <tbody>${record.policies_evaluated.map(({ name, result, latency_us, findings }) => html`<tr>
      <td>${name}</td><td>${chip(result)}</td><td class="number">${findings.length || ''}</td><td class="number">${result === 'skipped' ? nothingKnown : micros(latency_us)}</td>
      <td><svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width=${(100 * latency_us) / longest} height="6" /></svg></td></tr>`)}</tbody>
  </table>`;
}

function findings(record) {
  const all = record.policies_evaluated.flatMap(({ name, findings }) => findings.map((found) => ({ ...found, policy: name })));
  if (!all.length) return nothing;
  const left = Math.max(all.length - MOST, 0) + record.findings_left_out;
  return html`<h3>Findings</h3><table class="plain">
    <thead><tr><th scope="col">Label</th><th scope="col">Rule</th><th scope="col">Where</th><th scope="col" class="number">Bytes</th></tr></thead>
    <tbody>${all.slice(0, MOST).map(({ label, rule, policy, site, start, end }) => html`<tr><td><code>${label}</code></td><td title=${policy}>${rule}</td><td class="mono">${site}</td><td class="number">${count(start)}–${count(end)}</td></tr>`)}</tbody>
  </table>
  ${left ? html`<p class="quiet">${plural(left, 'more finding')} in the audit log.</p>` : nothing}
  <p class="quiet">Places are bytes of that text. The text itself is kept nowhere.</p>`;
}

function attempts(record) {
  if (record.attempts.length < 2 && !record.attempts.some(({ failure }) => failure)) return nothing;
  return html`<h3>Attempts</h3><ol class="attempts">${record.attempts.map(({ target, failure }) => html`<li><b>${target}</b> ${failure ? html`<span class="is-bad">${words(failure)}</span>` : html`<span class="quiet">asked last</span>`}</li>`)}</ol>`;
}

/** Lines of a rule file with their numbers. */
export function source({ text, line }) {
  const lines = text.split('\n');
  return html`<div class="source" tabindex="0" role="region" aria-label="Source of the rule"><pre class="numbers" aria-hidden="true">${lines.map((_, at) => `${line + at}\n`)}</pre><pre>${text}</pre></div>`;
}

function rule(record) {
  if (!record.policy || !record.rule) return nothing;
  if (own.isMissing) return html`<h3>Rule</h3><p class="quiet">This rule is not in force any more, so its text is not at hand.</p>`;
  if (!own.rule) return nothing;
  const { file, line, config_hash, lines_left_out } = own.rule;
  return html`<h3>Rule <span class="place">${file}:${line}</span></h3>
    ${config_hash === record.config_hash ? nothing : html`<p class="note">The configuration has changed since: this is how the rule reads now.</p>`}
    ${source(own.rule)}
    ${lines_left_out ? html`<p class="quiet">${plural(lines_left_out, 'more line')}.</p>` : nothing}`;
}

function record_of(record) {
  const rows = [
    ['Number', count(record.seq)],
    ['Id', record.id],
    ['Time', moment(record.timestamp)],
    ['Hash', record.hash],
    ['Hash before', record.prev_hash],
    ['Configuration', `${record.config_version}, ${record.config_hash}`],
  ];
  return html`<h3>Record</h3><dl class="facts is-mono">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    <details><summary>As JSON</summary><pre class="json" tabindex="0">${JSON.stringify(record, null, 2)}</pre></details>`;
}

export function panel(app, record, close) {
  return html`<aside class="panel" aria-labelledby="explained">
    <header><h2 id="explained" tabindex="-1">${chip(record.verdict)} <span class="mono">#${record.seq}</span> <span class="quiet">${moment(record.timestamp)}</span></h2>
      <button class="close" aria-label="Close the explanation" title="Esc" @click=${close}>✕</button></header>
    <div class="inner">
      ${sentence(record)} ${facts(record)}
      <h3>Policies</h3>${policies(record)}
      ${findings(record)} ${attempts(record)} ${rule(record)} ${record_of(record)}
    </div>
  </aside>`;
}
