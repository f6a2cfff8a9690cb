// A person as a round picture, or the initials that stand in for it, beside the name.

import { addressOf } from '../api/client.js';
import { root } from '../api/session.js';
import { element, personal } from '../dom.js';

/** @typedef {{ name: string, uid?: string | null, picture?: { webp: string, original: string } | null }} Person */

/**
 * Fills a `.person` element with a user's name, and links it to their portfolio if it is a link.
 *
 * @param {HTMLElement} place
 * @param {Person} person
 */
export function dressPerson(place, { name, uid, picture }) {
  place.replaceChildren(personal(name));
  place.dataset.initials = initials(name);
  place.dataset.tone = String(tone(uid ?? name));
  if (place instanceof HTMLAnchorElement) place.href = portfolioAddress(uid);
  if (!picture) return;
  place.classList.add('pictured');
  place.prepend(portrait(picture));
}

/**
 * The round picture alone, large, as a portfolio's head has it.
 *
 * @param {Person} person
 */
export function largePortrait(person) {
  const place = element('span', { class: 'person large', 'aria-hidden': 'true' });
  place.dataset.initials = initials(person.name);
  place.dataset.tone = String(tone(person.uid ?? person.name));
  if (person.picture) {
    place.classList.add('pictured');
    place.append(portrait(person.picture));
  }
  return place;
}

/** @param {string | null} [uid] one's own portfolio without it */
export function portfolioAddress(uid) {
  const address = new URL('portfolio/', root);
  if (uid) address.searchParams.set('uid', uid);
  return address.href;
}

/** @param {{ webp: string, original: string }} picture */
function portrait({ webp, original }) {
  return element(
    'picture',
    {},
    element('source', { type: 'image/webp', srcset: addressOf(webp).href }),
    element('img', {
      class: 'portrait',
      src: addressOf(original).href,
      alt: '',
      width: '128',
      height: '128',
      loading: 'lazy',
      decoding: 'async',
    }),
  );
}

/**
 * First letters of the first and the last word, without what is added in brackets, like “(she/her)”.
 *
 * @param {string} name
 */
function initials(name) {
  const called = name.replace(/\s*\([^)]*\)\s*/g, ' ').trim() || name.trim();
  const words = called.split(/\s+/);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters
    .map((word) => /[\p{L}\p{N}]/u.exec(word)?.[0] ?? '')
    .join('')
    .toUpperCase();
}

/**
 * One of six colours, the same for a person on every page.
 *
 * @param {string} text
 */
export function tone(text) {
  return [...text].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 6;
}
