// The texts that a page's scripts show, in the page's language.
//
// They are in texts/en.json and its translations. The server looks for keys in the scripts of a page, and puts their
// texts into <script type="application/json" id="texts">. So scripts write each key out where they call `t`: a key in
// a variable wouldn't be found.

/** @typedef {keyof typeof import('../../texts/en.json')} Key */
/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Text one text, or one for each plural form */

const PLACEHOLDER = /\{(\w+)\}/;
export const language = document.documentElement.lang || 'en';

/**
 * For `Intl`: the reader's own variety of the page's language. British readers get British dates, but nobody gets
 * German dates in an English page.
 */
export const locale = navigator.languages?.find((wanted) => wanted.split('-')[0] === language) ?? language;

/** @type {Partial<Record<string, Text>>} */
const texts = JSON.parse(document.getElementById('texts')?.textContent || '{}');
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale);

/**
 * A text with its values. Numbers are written as the reader's language does, and `count` chooses the plural form.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return pieces(key, values).join('');
}

/**
 * The same for values that are elements, such as links: the pieces for `element(…)` or `append(…)`.
 *
 * @template {Node | string | number} Value
 * @param {Key} key
 * @param {Record<string, Value>} values
 * @returns {(Exclude<Value, number> | string)[]}
 */
export function pieces(key, values) {
  return wording(key, values.count)
    .split(PLACEHOLDER)
    .map((part, index) => (index % 2 ? filled(part, values[part]) : part))
    .filter((part) => part !== '');
}

/**
 * A number that stands alone, as the reader's language writes it.
 *
 * @param {number} number
 */
export function numeral(number) {
  return numbers.format(number);
}

/**
 * @param {Key} key
 * @param {unknown} count
 */
function wording(key, count) {
  const text = texts[key];
  const found = typeof text === 'object' ? (text[plurals.select(Number(count))] ?? text.other) : text;
  if (found !== undefined) return found;
  // The page stays usable, and tests hear of it.
  reportError(new Error(`This page has no text "${key}" in "${language}".`));
  return key;
}

/**
 * @template {Node | string | number} Value
 * @param {string} name
 * @param {Value | undefined} value
 */
function filled(name, value) {
  if (value === undefined) {
    reportError(new Error(`A text needs the value "${name}".`));
    return `{${name}}`;
  }
  return typeof value === 'number' ? numeral(value) : /** @type {Exclude<Value, number>} */ (value);
}
