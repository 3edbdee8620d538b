// What is in force: the pack, its chain, and what came of the last reload.

import { html, nothing } from './vendor/lit-html/lit-html.js';
import { words } from './chart.js';
import { moment, plural } from './format.js';

const TRIGGERS = { signal: 'SIGHUP', request: 'a request', file_change: 'a change of a file' };

function facts(rows) {
  return html`<dl class="facts">${rows.filter(([, value]) => value != null && value !== '').map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function problem({ code, file, line, column, message, suggestion }) {
  return html`<li><p><b class="code">${code}</b> ${words(message)} <span class="place">${file}:${line}:${column}</span></p>${suggestion ? html`<p class="help">${words(suggestion)}</p>` : nothing}</li>`;
}

function reload(last, { reload }) {
  const watch = reload.watch ? `files are looked at every ${reload.interval_ms} ms` : 'files are not watched; SIGHUP and the reload request work';
  if (!last) return html`<p>Nothing was reloaded since the start: ${watch}.</p>`;
  const told = last.status === 'taken'
    ? html`<p><span class="state is-good">taken</span> ${moment(last.at)}, after ${TRIGGERS[last.trigger]}: <code>${last.previous_hash.slice(0, 12)}</code> → <code>${last.hash.slice(0, 12)}</code>, ${plural(last.policies_loaded, 'policy', 'policies')}.</p>
        ${last.needs_restart.length ? html`<p class="note">These take a restart, and stay as they were: ${last.needs_restart.join(', ')}.</p>` : nothing}
        ${last.warnings.length ? html`<ul class="problems">${last.warnings.map(problem)}</ul>` : nothing}`
    : html`<p><span class="state is-bad">refused</span> ${moment(last.at)}, after ${TRIGGERS[last.trigger]}. The configuration before it stays in force.</p>
        ${last.errors.length ? html`<ul class="problems is-bad">${last.errors.map(problem)}</ul>` : html`<p class="note is-bad">${words(last.reason)}</p>`}`;
  return html`${told}<p class="quiet">Now ${watch}.</p>`;
}

function limits({ rate_limits, keys, ip_allowlist, trusted_proxies }) {
  const set = Object.entries(rate_limits).filter(([, limit]) => limit);
  return facts([
    ['Keys', keys.length ? keys.join(', ') : 'none: every client may come in'],
    ...set.map(([name, { amount, per, burst }]) => [name.replaceAll('_', ' '), `${amount} per ${per}, ${burst} at once`]),
    ['Allowed addresses', ip_allowlist ? ip_allowlist.join(', ') : 'all'],
    ['Trusted proxies', trusted_proxies.join(', ')],
  ]);
}

export function view(app) {
  if (!app.state) return html`<p class="quiet">asking the gateway …</p>`;
  const { config, chain, health } = app.state;
  const { pack, audit } = config;
  const retention = audit.retention_days == null ? 'for ever' : plural(audit.retention_days, 'day');
  return html`<div class="title"><h1>In force</h1></div>
    <div class="columns">
      <section><h2>Pack</h2>${facts([
        ['Name', pack.name],
        ['Version', pack.version],
        ['About', pack.description],
        ['Policies', pack.enabled ? 'applied' : html`<span class="state is-bad">switched off: nothing is applied</span>`],
        ['Hash', html`<code class="break">${config.hash}</code>`],
        ['When kt fails', `requests are ${config.fail_mode === 'block' ? 'refused' : 'let through'}`],
        ['kt', `v${health.version}`],
      ])}</section>
      <section><h2>Chain</h2>
        ${chain.length ? html`<ol class="chain">${chain.map(({ name, version, file, rules }) => html`<li><b>${name}</b> <span class="quiet">${version ? `v${version}` : ''} ${file ? html`<span class="mono">${file}</span>` : nothing}</span><p class="rules">${rules.join(', ')}</p></li>`)}</ol>` : html`<p class="quiet">empty</p>`}</section>
      <section><h2>Last reload</h2>${reload(health.config.last_reload, config)}</section>
      <section><h2>Access</h2>${limits(config.access)}</section>
      <section><h2>Audit log</h2>${facts([
        ['Sync', audit.sync === 'interval' ? `every ${audit.interval_ms} ms` : audit.sync],
        ['Segments', `${audit.segment_mb} MiB`],
        ['Kept', retention],
        ['Checkpoint', audit.checkpoint_signed ? 'signed' : 'not signed'],
      ])}</section>
    </div>`;
}
