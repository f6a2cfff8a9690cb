// <day-chart>: figures by day, drawn by uPlot. A canvas is nothing to a screen reader: the element
// carries a sentence instead of the drawing, and a table of the same figures for everybody.

import uPlot from '../../vendor/uplot/uPlot.min.js';
import { element } from '../dom.js';
import { locale, numeral, t } from '../texts.js';

const HEIGHT = 180;
const DAY_S = 86_400;
// A count has no halves: the axis steps over whole numbers only.
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((step) => [0, 1, 2, 3, 4, 5].map((power) => step * 10 ** power))
  .sort((one, other) => one - other);

/**
 * @typedef {object} Figures
 * @property {string} title
 * @property {Api.DayCount[]} days without gaps
 * @property {string} summary a sentence in place of the drawing
 * @property {string} empty a sentence where every count is nothing
 * @property {(count: number) => string} [written] a figure as people read it
 * @property {Drawing} [drawing]
 */

/** @typedef {'bars' | 'line'} Drawing how many came on a day, or how much there was */

export class DayChart extends HTMLElement {
  /** @type {Api.DayCount[]} */
  #days = [];
  /** @type {(count: number) => string} */
  #written = numeral;
  #readout = element('p', { class: 'chart-readout', 'aria-hidden': 'true' });
  #place = element('div', { class: 'chart-place', role: 'img' });
  #watching = new AbortController();
  /** @type {uPlot | null} */
  #chart = null;

  /** @param {Figures} figures */
  show({ title, days, summary, empty, written = numeral, drawing = 'bars' }) {
    this.#stop();
    this.#days = days;
    this.#written = written;
    this.#readout.textContent = '';
    const head = element('div', { class: 'chart-head' }, element('h2', {}, title), this.#readout);
    if (!days.some(({ count }) => count)) {
      this.replaceChildren(head, element('p', { class: 'chart-empty' }, empty));
      return;
    }
    this.#place = element('div', { class: 'chart-place', role: 'img', 'aria-label': summary });
    this.replaceChildren(head, this.#place, this.#table(title, drawing));
    this.#draw(drawing);
  }

  disconnectedCallback() {
    this.#stop();
  }

  #stop() {
    this.#watching.abort();
    this.#chart?.destroy();
    this.#chart = null;
  }

  /** @param {Drawing} drawing */
  #draw(drawing) {
    const counts = this.#days.map(({ count }) => count);
    const chart = new uPlot(this.#options(drawing), [this.#times(), counts], this.#place);
    const sizes = new ResizeObserver(() => {
      const width = this.#place.clientWidth;
      if (width && width !== chart.width) chart.setSize({ width, height: HEIGHT });
    });
    sizes.observe(this.#place);
    this.#chart = chart;
    this.#watching = new AbortController();
    const { signal } = this.#watching;
    signal.addEventListener('abort', () => sizes.disconnect());
    // A canvas keeps the colours that it was drawn in.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => chart.redraw(), { signal });
  }

  /** @param {Drawing} drawing */
  #options(drawing) {
    const axis = {
      font: `12px ${this.#token('--font')}`,
      stroke: () => this.#token('--ink-soft'),
      ticks: { show: false },
      grid: { stroke: () => this.#token('--line'), width: 1 },
    };
    const days = {
      ...axis,
      size: 32,
      gap: 10,
      space: 64,
      grid: { show: false },
      values: (/** @type {uPlot} */ _chart, /** @type {number[]} */ times) => times.map(writtenDay),
    };
    const counts = {
      ...axis,
      size: drawing === 'bars' ? 36 : 64,
      space: 36,
      ...(drawing === 'bars' && { incrs: WHOLE_STEPS }),
      values: (/** @type {uPlot} */ _chart, /** @type {number[]} */ values) => values.map(this.#written),
    };
    return {
      width: this.#place.clientWidth || 320,
      height: HEIGHT,
      // On the right, half of a date: the last day's is centred below it.
      padding: [8, 24, 0, 0],
      // Days have no time: no time zone may shift them.
      tzDate: (/** @type {number} */ seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: drawing === 'line' } },
      scales: { x: { range: this.#range() }, y: { range: fromZero } },
      axes: [days, counts],
      series: [{}, this.#series(drawing)],
      hooks: {
        setCursor: [(/** @type {{ cursor: { idx: number | null } }} */ { cursor }) => this.#tell(cursor.idx)],
      },
    };
  }

  /** Room for the first and the last day's bars: fixed, for a function would get its own answer again on resizing. */
  #range() {
    const times = this.#times();
    return [times[0] - DAY_S / 2, times[times.length - 1] + DAY_S / 2];
  }

  #times() {
    return this.#days.map(({ day }) => Date.parse(day) / 1000);
  }

  /** @param {Drawing} drawing */
  #series(drawing) {
    const accent = () => this.#token('--accent');
    if (drawing === 'line') {
      const fill = () => this.#token('--accent-soft');
      return { stroke: accent, fill, width: 2, points: { show: false } };
    }
    return {
      stroke: accent,
      fill: accent,
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.7, 18], radius: 0.2 }),
    };
  }

  /**
   * Beside the title: the day under the pointer.
   *
   * @param {number | null} index
   */
  #tell(index) {
    const pointed = index === null ? null : this.#days[index];
    this.#readout.textContent = pointed ? `${dayOf(pointed)}: ${this.#written(pointed.count)}` : '';
  }

  /**
   * The days that say something: those with a count, or those on which a level changed.
   *
   * @param {string} title
   * @param {Drawing} drawing
   */
  #table(title, drawing) {
    const telling = this.#days.filter(({ count }, index) =>
      drawing === 'bars' ? count : count !== this.#days[index - 1]?.count,
    );
    const rows = telling
      .reverse()
      .map((figure) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, dayOf(figure)),
          element('td', {}, this.#written(figure.count)),
        ),
      );
    const head = element(
      'tr',
      {},
      element('th', { scope: 'col' }, t('chart.day')),
      element('th', { scope: 'col' }, title),
    );
    const scroller = {
      class: 'scroller',
      tabindex: '0',
      role: 'region',
      'aria-label': t('chart.table_of', { title }),
    };
    return element(
      'details',
      { class: 'chart-table' },
      element('summary', {}, t('chart.as_table')),
      element(
        'div',
        scroller,
        element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)),
      ),
    );
  }

  /** @param {string} name */
  #token(name) {
    return getComputedStyle(this).getPropertyValue(name).trim();
  }
}

/**
 * The scale begins at nothing, so that twice as high means twice as much.
 *
 * @param {uPlot} _chart
 * @param {number} _least
 * @param {number} most
 */
function fromZero(_chart, _least, most) {
  return [0, Math.max(1, most * 1.08)];
}

/** @param {Api.DayCount} figure */
function dayOf({ day }) {
  return writtenDay(Date.parse(day) / 1000);
}

/** @param {number} seconds */
function writtenDay(seconds) {
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(
    new Date(seconds * 1000),
  );
}

customElements.define('day-chart', DayChart);
