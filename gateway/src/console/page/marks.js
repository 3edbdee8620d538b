// A text area whose text can be underlined: the marks lie behind it, on the same letters.

import { html, nothing } from './vendor/lit-html/lit-html.js';
import { live } from './vendor/lit-html/directives/live.js';

/** A text cut where marks begin and end; where marks overlap, the first one counts. */
export function cut(text, marks) {
  const edges = new Set([0, text.length]);
  for (const { start, end } of marks) {
    edges.add(Math.min(start, text.length));
    edges.add(Math.min(end, text.length));
  }
  const places = [...edges].sort((a, b) => a - b);
  return places.slice(1).map((end, at) => {
    const start = places[at];
    const mark = marks.find((mark) => mark.start <= start && mark.end >= end && mark.end > mark.start);
    return { text: text.slice(start, end), mark };
  });
}

/** Marks that have no width are widened to a letter, so that there is something to see. */
function widened(marks, text) {
  return marks.map((mark) => {
    if (mark.end > mark.start) return mark;
    const start = Math.max(0, Math.min(mark.start, text.length - 1));
    return { ...mark, start, end: start + 1 };
  });
}

/** Keeps what lies behind where the text is. */
function follow(event) {
  const area = event.target;
  for (const behind of area.closest('.area').querySelectorAll('.behind, .numbers')) {
    behind.scrollTop = area.scrollTop;
    if (behind.classList.contains('behind')) behind.scrollLeft = area.scrollLeft;
  }
}

/**
 * The area. `marks` have `start`, `end`, `kind` and `title`; `numbered` shows the numbers of lines, of which those in
 * `lines` (a map from number to kind) stand out.
 */
export function area({ id, label, text, marks = [], numbered = false, lines = new Map(), placeholder = '', help, most, onInput }) {
  const pieces = cut(text, widened(marks, text));
  const number = (at) => html`<span class=${lines.get(at + 1) ?? ''}>${at + 1}\n</span>`;
  return html`<div class="area ${numbered ? 'is-code' : 'is-text'}">
    ${numbered ? html`<pre class="numbers" aria-hidden="true">${text.split('\n').map((_, at) => number(at))}</pre>` : nothing}
    <div class="layers">
      <pre class="behind" aria-hidden="true">${pieces.map(({ text, mark }) =>
        mark ? html`<mark class=${mark.kind} title=${mark.title ?? ''}>${text}</mark>` : text,
      )}${'\n'}</pre>
      <textarea
        id=${id}
        aria-label=${label}
        aria-describedby=${help ?? nothing}
        spellcheck="false"
        autocomplete="off"
        autocapitalize="off"
        placeholder=${placeholder}
        maxlength=${most}
        wrap=${numbered ? 'off' : 'soft'}
        .value=${live(text)}
        @input=${(event) => onInput(event.target.value)}
        @scroll=${follow}
      ></textarea>
    </div>
  </div>`;
}
