// Moments and spans of time as people say them, in the page's language.

import { locale, t } from './texts.js';

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
const LONG_AGO_S = 14 * 86_400;

/**
 * "3 hours ago"; what is weeks ago is told by its date.
 *
 * @param {Date} time
 */
export function ago(time) {
  const seconds = Math.max(0, (Date.now() - time.getTime()) / 1000);
  if (seconds > LONG_AGO_S) return onDay(time);
  if (seconds < 60) return t('time.just_now');
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const [unit, length] = STEPS.find(([, length]) => seconds >= length) ?? ['minute', 60];
  return words.format(-Math.floor(seconds / length), unit);
}

/**
 * "24 Nov 2026"
 *
 * @param {Date} time
 */
export function onDay(time) {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(time);
}

/**
 * "24 Nov 2026, 14:05"
 *
 * @param {Date} time
 */
export function exactly(time) {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(time);
}

/**
 * The time to wait as people say it: "1 min 5 s".
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  if (!minutes) return `${rest} s`;
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}
