// A small chart: one bar a day. Plain SVG, coloured by the style sheet, read out as one sentence.

import { element } from '../dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;
const BAR = 10;
const GAP = 3;

/** A panel with a title and a bar for each `{ day, count }`. */
export function barChart(title, days) {
  const total = days.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(1, ...days.map(({ count }) => count));
  const label = `${title}: ${total} in ${days.length} days, at most ${most} in one.`;
  const drawing = shape('svg', {
    viewBox: `0 0 ${Math.max(1, days.length) * (BAR + GAP) - GAP} ${HEIGHT}`,
    preserveAspectRatio: 'none', role: 'img', 'aria-label': label,
  });
  for (const [index, { day, count }] of days.entries()) {
    // A day without any still has its line: an empty place would look like a missing answer.
    const height = count ? Math.max(4, (count / most) * HEIGHT) : 1.5;
    const bar = shape('rect', {
      x: index * (BAR + GAP), y: HEIGHT - height, width: BAR, height, class: count ? 'some' : 'none',
    });
    const tip = shape('title', {});
    tip.textContent = `${written(day)}: ${count}`;
    bar.append(tip);
    drawing.append(bar);
  }
  return element('div', { class: 'panel chart' },
    element('h2', {}, title),
    drawing,
    element('p', { class: 'chart-foot', 'aria-hidden': 'true' },
      element('span', {}, days.length ? written(days[0].day) : ''),
      element('span', {}, `${total} in all`),
      element('span', {}, days.length ? written(days.at(-1).day) : '')));
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** A day as its reader writes it; the day has no time, so no time zone may shift it. */
function written(day) {
  return new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
    .format(new Date(day));
}
