// A text that somebody wrote in Markdown, as the API hands it out: a tree of nodes, never HTML.
//
// A string is text; `{ tag, attrs, children }` is an element. Only what stands in these two lists is
// built, by createElement: whatever else an answer holds appears as its text.

import { element } from '../dom.js';
import { t } from '../texts.js';

/** @typedef {Exclude<Api.ContentNode, string>} Element */

/** @type {Set<string>} */
const TAGS = new Set([
  'p',
  'h2',
  'h3',
  'h4',
  'ul',
  'ol',
  'li',
  'strong',
  'em',
  's',
  'code',
  'pre',
  'blockquote',
  'a',
  'hr',
  'br',
  'table',
  'thead',
  'tbody',
  'tr',
  'th',
  'td',
]);
const HEADING = /^h[2-6]$/;
// A code block is written from left to right in every language.
const WITHOUT_DIRECTION = new Set(['pre', 'hr']);
const LINK_PROTOCOLS = ['http:', 'https:', 'mailto:'];

/**
 * The nodes as a fragment, ready to be put below a page's h1.
 *
 * @param {Api.ContentNode[]} nodes
 */
export function contentFragment(nodes) {
  const made = document.createDocumentFragment();
  // Whoever began with ### or with ##: the first level below the page's title is h2.
  const levels = headingsIn(nodes).map(levelOf);
  const shift = levels.length ? Math.min(...levels) - 2 : 0;
  made.append(...nodes.map((node) => build(node, shift)));
  // Each paragraph, list and table runs as its own first letter does.
  for (const block of made.children) {
    if (!WITHOUT_DIRECTION.has(block.localName)) block.setAttribute('dir', 'auto');
  }
  return made;
}

/** @param {Element} node */
function isHeading({ tag }) {
  return HEADING.test(tag);
}

/**
 * Also those in quotations and lists.
 *
 * @param {Api.ContentNode[]} nodes
 * @returns {Element[]}
 */
function headingsIn(nodes) {
  return nodes.flatMap((node) => {
    if (typeof node === 'string') return [];
    return isHeading(node) ? [node] : headingsIn(node.children ?? []);
  });
}

/** @param {Element} heading */
function levelOf({ tag }) {
  return Number(tag[1]);
}

/**
 * An outside address that may become a link, or null: `javascript:` and its kin never do.
 *
 * @param {string | undefined} text
 */
export function safeAddress(text) {
  try {
    const address = new URL(text ?? '');
    return LINK_PROTOCOLS.includes(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
}

/**
 * A link to somewhere else, which learns nothing of where it was followed from.
 *
 * @param {string} href
 * @param {...(Node | string)} children
 */
export function outsideLink(href, ...children) {
  const link = element('a', { href, rel: 'noopener noreferrer nofollow ugc' }, ...children);
  link.classList.toggle('bare', saysAddress(link.textContent ?? '', href));
  return link;
}

/**
 * Whether a link's words are its address, perhaps without its beginning: paper need not show it twice.
 *
 * @param {string} text
 * @param {string} href
 */
function saysAddress(text, href) {
  const said = text.trim();
  return ['', 'https://', 'http://', 'mailto:'].some((start) => safeAddress(start + said) === href);
}

/**
 * @param {Api.ContentNode} node
 * @param {number} shift so many levels up for headings
 * @returns {Node | string}
 */
function build(node, shift) {
  if (typeof node === 'string') return node;
  const children = (node.children ?? []).map((child) => build(child, shift));
  if (!TAGS.has(node.tag)) return element('span', {}, ...children);
  if (node.tag === 'a') {
    const href = safeAddress(node.attrs?.href);
    return href ? outsideLink(href, ...children) : element('span', {}, ...children);
  }
  const tag = isHeading(node) ? `h${levelOf(node) - shift}` : node.tag;
  const made = element(/** @type {keyof HTMLElementTagNameMap} */ (tag), {}, ...children);
  // What is too wide scrolls by itself, and the keyboard must be able to do it.
  if (node.tag === 'pre') made.tabIndex = 0;
  if (node.tag === 'table') {
    return element(
      'div',
      { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': t('content.table') },
      made,
    );
  }
  return made;
}
