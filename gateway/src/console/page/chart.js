// Small charts: columns of counts by kind, and lines. Drawn with attributes alone, since the page allows no inline style.

import { html, svg, nothing } from './vendor/lit-html/lit-html.js';
import { clock, count, sum } from './format.js';

/** What a request or a policy can come to, the strongest first. */
export const RESULTS = ['block', 'escalate', 'error', 'redact', 'flag', 'allow', 'skipped'];

/** A mark beside a word, so that colour alone says nothing. */
const SIGNS = { block: '■', escalate: '▲', error: '✕', redact: '▬', flag: '◆', allow: '·', skipped: '○' };

export function chip(result) {
  return html`<span class="chip is-${result}"><span class="sign" aria-hidden="true">${SIGNS[result] ?? '·'}</span>${result}</span>`;
}

/** A sentence in which names stand between backticks. */
export function words(sentence) {
  return (sentence ?? '').split('`').map((part, at) => (at % 2 ? html`<code>${part}</code>` : part));
}

/** A round number that is no smaller, for the top of a scale. */
function top(number) {
  if (number <= 4) return Math.max(1, Math.ceil(number));
  const unit = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 2.5, 5, 10].map((step) => step * unit).find((step) => step >= number);
}

const WIDTH = 360;

function frame({ from, step, columns, height, highest, label, body, unit = count }) {
  return html`<figure class="chart">
    <svg viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" role="img" aria-label=${label}>
      <line class="grid" x1="0" x2=${WIDTH} y1="0.5" y2="0.5" />
      <line class="grid" x1="0" x2=${WIDTH} y1=${height / 2} y2=${height / 2} />
      <line class="base" x1="0" x2=${WIDTH} y1=${height - 0.5} y2=${height - 0.5} />
      ${body}
    </svg>
    <figcaption aria-hidden="true"><span>${clock(from * 1000)}</span><span>${unit(highest)} at the top</span><span>${clock((from + step * columns) * 1000)}</span></figcaption>
  </figure>`;
}

/** Columns, the strongest at the bottom. `rows` has a list of counts for each kind. */
export function stacked({ from, step, columns }, rows, name, height = 56) {
  const kinds = RESULTS.filter((kind) => rows?.[kind]);
  const totals = Array.from({ length: columns }, (_, at) => sum(kinds.map((kind) => rows[kind][at])));
  const highest = top(Math.max(...totals, 1));
  const wide = WIDTH / columns;
  const body = totals.map((total, at) => {
    if (!total) return nothing;
    let bottom = height;
    const parts = kinds.filter((kind) => rows[kind][at]);
    const bars = parts.map((kind) => {
      // What is rare must still be seen.
      const tall = Math.max((height * rows[kind][at]) / highest, 1.5);
      bottom -= tall;
      return svg`<rect class="is-${kind}" x=${at * wide + 0.5} width=${wide - 1} y=${Math.max(bottom, 0)} height=${tall} />`;
    });
    const told = parts.map((kind) => `${kind} ${count(rows[kind][at])}`).join(', ');
    return svg`<g><title>${clock((from + at * step) * 1000)}: ${told}</title>${bars}</g>`;
  });
  const told = kinds.map((kind) => `${kind} ${count(sum(rows[kind]))}`).join(', ');
  return frame({ from, step, columns, height, highest, label: `${name}: ${told || 'nothing yet'}`, body });
}

/** Lines; where nothing is known there is a gap. `lines` has a class and its values. */
export function lines({ from, step, columns }, rows, name, unit, height = 56) {
  const known = rows.flatMap(({ values }) => values ?? []).filter((value) => value != null);
  const highest = top(Math.max(...known, 1));
  const wide = WIDTH / columns;
  const x = (at) => (at + 0.5) * wide;
  const y = (value) => height - Math.max((height * value) / highest, 1);
  const body = rows.map(({ kind, values = [] }) => {
    const pieces = [];
    let last = -2;
    values.forEach((value, at) => {
      if (value == null) return;
      if (at !== last + 1) pieces.push([]);
      pieces.at(-1).push([x(at), y(value)]);
      last = at;
    });
    return pieces.map((points) => {
      if (points.length === 1) return svg`<circle class="dot ${kind}" cx=${points[0][0]} cy=${points[0][1]} r="1.8" />`;
      return svg`<polyline class="line ${kind}" points=${points.map((point) => point.join(',')).join(' ')} />`;
    });
  });
  const told = rows.map(({ title, values = [] }) => {
    const newest = values.findLast((value) => value != null);
    return newest == null ? '' : `${title} ${unit(newest)}`;
  });
  const label = `${name}: ${told.filter(Boolean).join(', ') || 'nothing yet'}`;
  return frame({ from, step, columns, height, highest, label, body, unit });
}

/** What the colours of a chart mean, with totals. */
export function legend(rows, kinds = RESULTS) {
  const there = kinds.filter((kind) => sum(rows?.[kind]));
  if (!there.length) return html`<p class="quiet">nothing yet</p>`;
  return html`<ul class="legend">
    ${there.map((kind) => html`<li>${chip(kind)} <b>${count(sum(rows[kind]))}</b></li>`)}
  </ul>`;
}
