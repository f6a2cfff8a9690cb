// <language-switch>: the site's languages, each as a button. The server keeps to the choice, by a cookie.

import { within } from '../dom.js';

const YEAR_S = 365 * 86_400;
const STAYED_MS = 1000;
const COOKIE = 'lang';
const CHOSEN = 'language-chosen';

class LanguageSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener('click', ({ target }) => {
      if (target instanceof HTMLButtonElement) choose(target.value);
    });
    // The page was loaded anew: whoever pressed the button goes on from there.
    if (sessionStorage.getItem(CHOSEN)) within(this, '[aria-current]').focus();
    sessionStorage.removeItem(CHOSEN);
  }
}

/**
 * Loads the page anew in this language. The page hears `language-chosen` before, and may put into its address what it
 * needs to go on.
 *
 * @param {string} language
 */
function choose(language) {
  const before = chosen();
  dispatchEvent(new Event(CHOSEN));
  restoreIfStayed(before, language);
  remember(language);
  sessionStorage.setItem(CHOSEN, 'yes');
  location.reload();
}

/**
 * The browser may ask about unsaved changes, and whoever stays keeps the page's language, also in what the server says.
 * No event tells that they stayed: the page is still there a second after the question.
 *
 * @param {string} before
 * @param {string} language
 */
function restoreIfStayed(before, language) {
  const leaving = new AbortController();
  const restore = () => {
    remember(before);
    sessionStorage.removeItem(CHOSEN);
    // Leaving for another page is no choice of a language any more.
    addEventListener('beforeunload', () => leaving.abort(), { once: true });
  };
  // No timer runs while the question is open; the first one ends with it.
  const wait = () => setTimeout(() => setTimeout(restore, STAYED_MS));
  addEventListener('beforeunload', wait, { once: true });
  // The page may also have been there for so long because the server was slow to answer.
  addEventListener('pagehide', () => remember(language), { once: true, signal: leaving.signal });
}

/** The language of the cookie, or nothing where none was chosen. */
function chosen() {
  return new RegExp(`(?:^|; )${COOKIE}=([^;]*)`).exec(document.cookie)?.[1] ?? '';
}

/** @param {string} language nothing to forget the choice */
function remember(language) {
  const age = language ? YEAR_S : 0;
  // Not by the Cookie Store API: plain http, on which a class site may run, has none.
  // biome-ignore lint/suspicious/noDocumentCookie: see above
  document.cookie = `${COOKIE}=${language}; Max-Age=${age}; Path=/; SameSite=Lax`;
}

customElements.define('language-switch', LanguageSwitch);
