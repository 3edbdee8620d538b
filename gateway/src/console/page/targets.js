// How targets do: breakers, probes, latency and cost; and the queues of the gateway.

import { html, nothing } from './vendor/lit-html/lit-html.js';
import { lines, stacked, words } from './chart.js';
import { count, dollars, milliseconds, nothingKnown, plural, share, short } from './format.js';
import { windows } from './decisions.js';

const BREAKERS = { closed: 'good', half_open: 'warn', open: 'bad' };

function state(word, kind) {
  return html`<span class="state is-${kind}">${word}</span>`;
}

function states(vitals, isReachable) {
  const { circuit_breaker, health_probe, unavailable } = vitals;
  if (unavailable) return state('left out', 'bad');
  return html`${state(isReachable ? 'reachable' : 'not reachable', isReachable ? 'good' : 'bad')}
    ${state(`breaker ${circuit_breaker.replace('_', ' ')}`, BREAKERS[circuit_breaker])}
    ${health_probe ? state(`probes ${health_probe}`, health_probe === 'healthy' ? 'good' : 'bad') : state('not probed', 'none')}`;
}

function card(app, target) {
  const { health, targets } = app.state;
  const vitals = health.targets[target.id];
  const of = app.course.targets[target.id];
  const { why_not, pricing } = targets[target.id] ?? {};
  const figures = [
    ['Requests', count(of?.requests ?? 0)],
    ['Failed', of?.failures ? html`${count(of.failures)} <small>${share(of.failures, of.attempts)} of attempts</small>` : '0'],
    ['p50', milliseconds(of?.p50_ms)],
    ['p95', milliseconds(of?.p95_ms)],
    ['p99', milliseconds(of?.p99_ms)],
    ['First byte', milliseconds(vitals.latency_ms)],
    ['In flight', count(vitals.in_flight)],
    ['Tokens', of ? `${short(of.input_tokens)} → ${short(of.output_tokens)}` : nothingKnown],
    ['Cost', html`${dollars(of?.cost_usd)}${of?.cost_usd != null && of.unpriced ? html` <small>${plural(of.unpriced, 'request')} without a price</small>` : nothing}`],
  ];
  const failed = of?.columns.failures ?? [];
  const went = of ? { error: failed, allow: of.columns.attempts.map((all, at) => all - failed[at]) } : {};
  return html`<article class="card">
    <header><h2>${target.id}</h2><span class="states">${states(vitals, health.providers[target.id] === 'reachable')}</span></header>
    <p class="quiet about"><span class="mono">${target.model ?? 'the model that the client asks for'}</span> at ${target.provider}, <span class="mono">${target.address}</span>${target.description ? html` · ${target.description}` : nothing}${pricing ? html` · ${dollars(pricing.prompt)} in, ${dollars(pricing.completion)} out per 1M tokens` : html` · no price`}</p>
    ${why_not ? html`<p class="note is-bad">It is not asked: ${words(why_not)}</p>` : nothing}
    <dl class="figures is-many">${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <div class="pair">
      <div><h3>Latency <span class="key p50">p50</span> <span class="key p95">p95</span></h3>${lines(app.course, [{ kind: 'p95', title: 'p95', values: of?.columns.p95_ms }, { kind: 'p50', title: 'p50', values: of?.columns.p50_ms }], `Latency of ${target.id}`, milliseconds)}</div>
      <div><h3>Attempts${failed.some(Boolean) ? html` <span class="key is-error">failed</span>` : nothing}</h3>${stacked(app.course, went, `Attempts at ${target.id}`)}</div>
    </div>
  </article>`;
}

function meter(title, used, most, words) {
  return html`<div class="card is-small"><h3>${title}</h3>
    <p class="large">${count(used)}${most == null ? nothing : html` <small>of ${count(most)}</small>`}</p>
    ${most == null ? nothing : html`<meter min="0" max=${most} low=${most * 0.5} high=${most * 0.8} optimum="0" value=${used} aria-label=${title}></meter>`}
    <p class="quiet">${words}</p></div>`;
}

function queues({ health, audit, in_flight, config }) {
  const { concurrency } = health;
  return html`<section><h2>Queues</h2><div class="cards is-narrow">
    ${concurrency ? meter('Under way', concurrency.in_flight, concurrency.limit, 'requests that count towards max_concurrency') : meter('Under way', in_flight, null, 'requests; providers.max_concurrency is not set')}
    ${concurrency ? meter('Waiting', concurrency.waiting, concurrency.limit, 'requests that wait for max_concurrency') : nothing}
    ${meter('Audit queue', audit.outstanding, audit.places, 'requests whose record is not written yet')}
    <div class="card is-small"><h3>Audit log</h3><p class="large">${audit.sound ? state('can be written', 'good') : state('cannot be written', 'bad')}</p>
      <p class="quiet">sync ${config.audit.sync}${config.audit.sync === 'interval' ? `, every ${config.audit.interval_ms} ms` : ''}, ${config.audit.checkpoint_signed ? 'signed checkpoint' : 'checkpoint not signed'}</p></div>
  </div></section>`;
}

export function view(app) {
  if (!app.state || !app.course) return html`<p class="quiet">asking the gateway …</p>`;
  const { targets } = app.state.config;
  return html`<div class="title"><h1>Targets</h1>${windows(app)}</div>
    <div class="cards is-one">${targets.length ? targets.map((target) => card(app, target)) : html`<p class="empty">No target is configured.</p>`}</div>
    ${queues(app.state)}`;
}
