// What each policy of the chain did over time, and which rules were busy.

import { html, nothing } from './vendor/lit-html/lit-html.js';
import { chip, legend, stacked } from './chart.js';
import { count, micros, plural, share, sum } from './format.js';
import { windows } from './decisions.js';

function policy(app, { name, version, file, rules }, at) {
  const of = app.course.policies[name];
  const ran = Object.entries(of?.results ?? {}).filter(([result]) => result !== 'skipped');
  const runs = sum(ran.map(([, counts]) => sum(counts)));
  const acted = runs - sum(of?.results.allow);
  return html`<article class="card">
    <header><h2><span class="place">${at + 1}</span> ${name}</h2><span class="quiet">${version ? `v${version} · ` : ''}${plural(rules.length, 'rule')}</span></header>
    ${file ? html`<p class="place about">${file}</p>` : nothing}
    <div class="body">
      <dl class="figures">
        <div><dt>Ran</dt><dd>${count(runs)}</dd></div>
        <div><dt>Acted</dt><dd>${count(acted)} <small>${share(acted, runs)}</small></dd></div>
        <div><dt>Mean time</dt><dd>${runs ? micros(of.micros / runs) : '–'}</dd></div>
      </dl>
      <div>${stacked(app.course, of?.results ?? {}, `Results of ${name}`, 48)}${legend(of?.results)}</div>
    </div>
    ${acted ? html`<footer><button class="link" @click=${() => app.go('decisions', { policy: name })}>Show its decisions</button></footer>` : nothing}
  </article>`;
}

function rules(app) {
  const busy = app.course.rules.map((rule) => ({ ...rule, all: sum(rule.counts) })).sort((a, b) => b.all - a.all).slice(0, 50);
  if (!busy.length) return html`<p class="quiet">No rule has found or decided anything in this time.</p>`;
  const most = busy[0].all;
  return html`<table class="plain is-wide">
    <thead><tr><th scope="col">Rule</th><th scope="col">Policy</th><th scope="col" class="number">Requests</th><th></th><th></th></tr></thead>
    <tbody>${busy.map(({ policy, rule, all }) => html`<tr><td><b>${rule}</b></td><td>${policy}</td><td class="number">${count(all)}</td>
      <td><svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width=${(100 * all) / most} height="6" /></svg></td>
      <td><button class="link" aria-label="Show decisions of ${rule}" @click=${() => app.go('decisions', { policy, rule })}>Show</button></td></tr>`)}</tbody>
  </table>`;
}

export function view(app) {
  if (!app.state || !app.course) return html`<p class="quiet">asking the gateway …</p>`;
  const { chain } = app.state;
  return html`<div class="title"><h1>Policies</h1>${windows(app)}</div>
    ${chain.length ? html`<div class="cards">${chain.map((entry, at) => policy(app, entry, at))}</div>` : html`<p class="empty">The chain is empty: ${chip('allow')} is all that can come of a request.</p>`}
    <section><h2>Busy rules</h2>${rules(app)}</section>`;
}
