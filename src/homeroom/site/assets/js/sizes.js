// Sizes as people say them, in the page's language.

import { locale } from './texts.js';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/**
 * "1.2 MB"
 *
 * @param {number} bytes
 */
export function sized(bytes) {
  const power = bytes ? Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3)) : 0;
  const value = bytes / 1000 ** power;
  const digits = new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 ? 1 : 0 });
  return `${digits.format(value)} ${UNITS[power]}`;
}
