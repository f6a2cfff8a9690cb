// Small ways to make elements. Text stays text here: nothing is ever parsed as HTML.

/** An element with attributes and children; strings become text nodes. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** What somebody wrote, inside a line of ours: it runs its own way, and the line goes on as it did. */
export function personal(text) {
  return element('bdi', {}, text);
}

const RUNS_LEFTWARDS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/** The same for a text that is no element, such as a title: isolated as Unicode has it (UAX 9, 2.6). */
export function isolated(text) {
  return RUNS_LEFTWARDS.test(text) ? `\u2068${text}\u2069` : text;
}

/** A copy of what stands in `<template id="…">`. */
export function fromTemplate(id) {
  return document.getElementById(id).content.cloneNode(true).firstElementChild;
}
