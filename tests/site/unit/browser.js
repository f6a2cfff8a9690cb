// A page for the site's modules to find: what browsers have and Node has not, by happy-dom.

import { readFileSync } from 'node:fs';
import { Window } from 'happy-dom';

const SITE = '../../../src/homeroom/site/';
const NAMES = [
  'AbortController',
  'Blob',
  'CustomEvent',
  'DOMException',
  'Element',
  'Event',
  'EventTarget',
  'File',
  'FormData',
  'HTMLAnchorElement',
  'HTMLButtonElement',
  'HTMLElement',
  'HTMLFormElement',
  'HTMLInputElement',
  'HTMLTemplateElement',
  'customElements',
  'document',
  'localStorage',
  'location',
];
let loads = 0;

/** All texts of a language; a real page has those of its own scripts. */
export function textsIn(language) {
  return JSON.parse(readFileSync(new URL(`${SITE}texts/${language}.json`, import.meta.url), 'utf8'));
}

/** Opens a page; modules that are loaded from now on are in it. */
export function openPage(
  html = '',
  { url = 'https://class.example.org/users/', language = 'en', languages = ['en-US'] } = {},
) {
  const window = new Window({ url });
  setBody(window.document, html);
  window.document.documentElement.lang = language;
  setTexts(window.document, textsIn(language));
  for (const name of NAMES) globalThis[name] = window[name];
  globalThis.addEventListener = window.addEventListener.bind(window);
  globalThis.reportError = () => {};
  setOnline(true, languages);
}

/** What a page's HTML would be parsed into. Tests write HTML here alone; the site's own policy refuses it. */
export function setBody(document, html) {
  document.body.innerHTML = html;
}

/** Puts texts into a page, as the shell does. */
export function setTexts(document, texts) {
  const place = document.createElement('script');
  place.type = 'application/json';
  place.id = 'texts';
  place.textContent = JSON.stringify(texts);
  document.getElementById('texts')?.remove();
  document.head.append(place);
}

/** `navigator` is Node's own, or none, by its version. */
export function setOnline(onLine, languages = ['en-US']) {
  Object.defineProperty(globalThis, 'navigator', {
    value: { onLine, languages },
    configurable: true,
  });
}

/** A module of the site, in the state in which a page that was just opened would find it. */
export function load(path) {
  return import(`${SITE}${path}`);
}

/** The same, read anew: what it looks at when it is loaded has changed. */
export function loadAnew(path) {
  loads += 1;
  return import(`${SITE}${path}?${loads}`);
}

/** Lets `fetch` answer what is given, and notes what was asked. */
export function answering(...answers) {
  const asked = [];
  globalThis.fetch = async (url, options) => {
    asked.push({ url: String(url), ...options });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return asked;
}

/** An answer of the API. */
export function answer(status, body, headers = {}) {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  const text = body === undefined ? null : JSON.stringify(body);
  return new Response(text, { status, headers: { 'Content-Type': type, ...headers } });
}
