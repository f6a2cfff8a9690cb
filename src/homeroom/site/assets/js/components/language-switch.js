// <language-switch>: the site's languages, each as a button. The server keeps to the choice, by a cookie.

import { within } from '../dom.js';

const YEAR_S = 365 * 86_400;
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

/** @param {string} language */
function choose(language) {
  // Not by the Cookie Store API: plain http, on which a class site may run, has none.
  // biome-ignore lint/suspicious/noDocumentCookie: see above
  document.cookie = `lang=${language}; Max-Age=${YEAR_S}; Path=/; SameSite=Lax`;
  sessionStorage.setItem(CHOSEN, 'yes');
  location.reload();
}

customElements.define('language-switch', LanguageSwitch);
