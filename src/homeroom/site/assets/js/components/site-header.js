// <site-header>: the bar on top of every page. Its links are in the page's own HTML, and viewer.js decides which
// of them are shown; this opens the menu of a narrow screen, and signs out.

import { request } from '../api/client.js';
import { watchSession } from '../api/me.js';
import { noteSignedOut, onSessionChange, root } from '../api/session.js';
import { within } from '../dom.js';
import { t } from '../texts.js';

class SiteHeader extends HTMLElement {
  connectedCallback() {
    const menu = within(this, '.menu', HTMLButtonElement);
    const nav = within(this, 'nav');
    const button = within(this, '#sign-out', HTMLButtonElement);

    // On a narrow screen a member's links are behind the button.
    const isOpen = () => menu.ariaExpanded === 'true';
    const open = (/** @type {boolean} */ wanted) => {
      menu.setAttribute('aria-expanded', String(wanted));
      nav.classList.toggle('open', wanted);
    };
    menu.addEventListener('click', () => open(!isOpen()));
    this.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !isOpen()) return;
      open(false);
      menu.focus();
    });
    button.addEventListener('click', () => signOut(button));
    onSessionChange(() => {
      button.disabled = false;
      button.textContent = t('shell.sign_out');
      open(false);
    });
    watchSession();
  }
}

/** @param {HTMLButtonElement} button */
async function signOut(button) {
  button.disabled = true;
  try {
    await request('/api/authenticate', { method: 'DELETE' });
  } catch {
    // The cookie is out of a script's reach: to say "signed out" now would be untrue.
    button.disabled = false;
    button.textContent = t('shell.sign_out_again');
    return;
  }
  location.assign(new URL('login/', root));
  noteSignedOut();
}

customElements.define('site-header', SiteHeader);
