// Pictures in the sizes that the API keeps: webp, and the original type for browsers without it.

import { addressOf } from '../api/client.js';
import { element } from '../dom.js';

const CARD_WIDTH = 480;
const PAGE_WIDTH = 1600;

/**
 * A picture that is sharp at any width and keeps its place while it loads.
 *
 * @param {Api.Picture} picture
 * @param {{ sizes: string, eager?: boolean }} how
 */
export function pageOf({ urls, alt, width, height }, { sizes, eager = false }) {
  const pageWidth = Math.min(width, PAGE_WIDTH);
  const set = (/** @type {'webp' | 'original'} */ kind) =>
    pageWidth <= CARD_WIDTH
      ? href(urls.page[kind])
      : `${href(urls.card[kind])} ${CARD_WIDTH}w, ${href(urls.page[kind])} ${pageWidth}w`;
  return build({
    webp: set('webp'),
    original: set('original'),
    src: href(urls.page.original),
    alt,
    width,
    height,
    sizes,
    eager,
  });
}

/**
 * A picture as a card shows it.
 *
 * @param {Api.Picture} picture
 */
export function cardOf({ urls, alt, width, height }) {
  const { webp, original } = urls.card;
  return build({ webp: href(webp), original: href(original), src: href(original), alt, width, height });
}

/**
 * @typedef {object} Drawn
 * @property {string} webp a srcset
 * @property {string} original a srcset
 * @property {string} src
 * @property {string} alt
 * @property {number} width
 * @property {number} height
 * @property {string} [sizes]
 * @property {boolean} [eager]
 */

/** @param {Drawn} drawn */
function build({ webp, original, src, alt, width, height, sizes, eager }) {
  const image = element('img', {
    src,
    srcset: original,
    alt,
    width: String(width),
    height: String(height),
    decoding: 'async',
  });
  const source = element('source', { type: 'image/webp', srcset: webp });
  if (eager) image.setAttribute('fetchpriority', 'high');
  else image.loading = 'lazy';
  if (sizes) for (const part of [image, source]) part.sizes = sizes;
  return element('picture', {}, source, image);
}

/** @param {string} path */
function href(path) {
  return addressOf(path).href;
}
