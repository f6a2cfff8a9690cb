// Small ways to find and make elements. Text stays text here: nothing is ever parsed as HTML.

/**
 * The element of the page with this id, of the kind that the script needs: `byId('more', HTMLButtonElement)`.
 * A page and its script belong together, so an element that isn't there is a fault, and says which it is.
 *
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export function byId(id, kind) {
  const wanted = kind ?? HTMLElement;
  const found = document.getElementById(id);
  if (!(found instanceof wanted)) throw new TypeError(`This page has no ${wanted.name} with the id "${id}".`);
  return /** @type {Kind} */ (found);
}

/**
 * The first element of this kind inside of another one. What a script or a template has put there is there.
 *
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {ParentNode} place
 * @param {string} selector
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export function within(place, selector, kind) {
  const wanted = kind ?? HTMLElement;
  const found = place.querySelector(selector);
  if (!(found instanceof wanted)) throw new TypeError(`There is no ${wanted.name} for "${selector}".`);
  return /** @type {Kind} */ (found);
}

/**
 * An element with attributes and children; strings become text nodes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * What somebody wrote, inside a line of ours: it runs its own way, and the line goes on as it did.
 *
 * @param {string} text
 */
export function personal(text) {
  return element('bdi', {}, text);
}

/**
 * Runs something that a button starts, which can't be pressed again meanwhile. A disabled button drops the focus, so
 * it gets it back.
 *
 * @template Done
 * @param {HTMLButtonElement} button
 * @param {() => Promise<Done>} act
 * @returns {Promise<Done>}
 */
export async function whileDisabled(button, act) {
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  try {
    return await act();
  } finally {
    button.disabled = false;
    if (hadFocus && document.activeElement === document.body) button.focus();
  }
}

const RUNS_LEFTWARDS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/**
 * The same for a text that is no element, such as a title: isolated as Unicode has it (UAX 9, 2.6).
 *
 * @param {string} text
 */
export function isolated(text) {
  return RUNS_LEFTWARDS.test(text) ? `\u2068${text}\u2069` : text;
}

/**
 * A copy of what stands in `<template id="…">`.
 *
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export function fromTemplate(id, kind) {
  const copy = byId(id, HTMLTemplateElement).content.cloneNode(true);
  return within(/** @type {DocumentFragment} */ (copy), '*', kind);
}
