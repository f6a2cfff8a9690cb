// <day-chart>: figures by day, drawn by uPlot. A canvas is nothing to a screen reader: the element
// carries a sentence instead of the drawing, and a table of the same figures for everybody.

import uPlot from '../../vendor/uplot/uPlot.min.js';
import { element } from '../dom.js';

const HEIGHT = 180;
const DAY_S = 86_400;
// A count has no halves: the axis steps over whole numbers only.
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((step) => [0, 1, 2, 3, 4, 5].map((power) => step * 10 ** power))
  .sort((one, other) => one - other);

class DayChart extends HTMLElement {
  /**
   * Shows `days`, an array of `{ day, count }` without gaps.
   * `summary` and `empty` are sentences; `written(count)` is a figure as people read it;
   * `drawing` is "bars" (how many came on a day) or "line" (how much there was).
   */
  show({ title, days, summary, empty, written = String, drawing = 'bars' }) {
    this.stop();
    this.days = days;
    this.written = written;
    this.readout = element('p', { class: 'chart-readout', 'aria-hidden': 'true' });
    const head = element('div', { class: 'chart-head' }, element('h2', {}, title), this.readout);
    if (!days.some(({ count }) => count)) {
      this.replaceChildren(head, element('p', { class: 'chart-empty' }, empty));
      return;
    }
    this.place = element('div', { class: 'chart-place', role: 'img', 'aria-label': summary });
    this.replaceChildren(head, this.place, this.table(title, drawing));
    this.tell(null);
    this.draw(drawing);
  }

  disconnectedCallback() {
    this.stop();
  }

  stop() {
    this.watching?.abort();
    this.sizes?.disconnect();
    this.chart?.destroy();
    this.chart = null;
  }

  draw(drawing) {
    const data = [this.days.map(({ day }) => Date.parse(day) / 1000), this.days.map(({ count }) => count)];
    this.chart = new uPlot(this.options(drawing), data, this.place);
    this.sizes = new ResizeObserver(() => {
      const width = this.place.clientWidth;
      if (width && width !== this.chart.width) this.chart.setSize({ width, height: HEIGHT });
    });
    this.sizes.observe(this.place);
    this.watching = new AbortController();
    // A canvas keeps the colours that it was drawn in.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.chart.redraw(), {
      signal: this.watching.signal,
    });
  }

  options(drawing) {
    const font = `12px ${this.token('--font')}`;
    const axis = {
      font,
      stroke: () => this.token('--ink-soft'),
      ticks: { show: false },
      grid: { stroke: () => this.token('--line'), width: 1 },
    };
    return {
      width: this.place.clientWidth || 320,
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      // Days have no time: no time zone may shift them.
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: drawing === 'line' } },
      scales: { x: { range: (_, from, to) => [from - DAY_S / 2, to + DAY_S / 2] }, y: { range: fromZero } },
      axes: [
        {
          ...axis,
          size: 32,
          gap: 10,
          space: 64,
          grid: { show: false },
          values: (_, days) => days.map(writtenDay),
        },
        {
          ...axis,
          size: drawing === 'bars' ? 36 : 64,
          space: 36,
          ...(drawing === 'bars' && { incrs: WHOLE_STEPS }),
          values: (_, counts) => counts.map((count) => this.written(count)),
        },
      ],
      series: [{}, this.series(drawing)],
      hooks: { setCursor: [({ cursor }) => this.tell(cursor.idx)] },
    };
  }

  series(drawing) {
    const accent = () => this.token('--accent');
    if (drawing === 'line') {
      return { stroke: accent, fill: () => this.token('--accent-soft'), width: 2, points: { show: false } };
    }
    return {
      stroke: accent,
      fill: accent,
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.7, 18], radius: 0.2 }),
    };
  }

  /** Beside the title: the day under the pointer. */
  tell(index) {
    const pointed = this.days[index];
    this.readout.textContent = pointed
      ? `${writtenDay(Date.parse(pointed.day) / 1000)}: ${this.written(pointed.count)}`
      : '';
  }

  /** The days that say something: those with a count, or those on which a level changed. */
  table(title, drawing) {
    const telling = this.days.filter(({ count }, index) =>
      drawing === 'bars' ? count : count !== this.days[index - 1]?.count,
    );
    const rows = telling
      .reverse()
      .map(({ day, count }) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, writtenDay(Date.parse(day) / 1000)),
          element('td', {}, this.written(count)),
        ),
      );
    return element(
      'details',
      { class: 'chart-table' },
      element('summary', {}, 'As a table'),
      element(
        'div',
        { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': `${title}, as a table` },
        element(
          'table',
          {},
          element(
            'thead',
            {},
            element('tr', {}, element('th', { scope: 'col' }, 'Day'), element('th', { scope: 'col' }, title)),
          ),
          element('tbody', {}, ...rows),
        ),
      ),
    );
  }

  token(name) {
    return getComputedStyle(this).getPropertyValue(name).trim();
  }
}

/** The scale begins at nothing, so that twice as high means twice as much. */
function fromZero(_, _least, most) {
  return [0, Math.max(1, most * 1.08)];
}

function writtenDay(seconds) {
  return new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(
    new Date(seconds * 1000),
  );
}

customElements.define('day-chart', DayChart);
