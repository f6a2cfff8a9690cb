// <site-header>: the bar on top of every page. Its links are in the page's own HTML, and viewer.js decides which
// of them are shown; this opens the menu of a narrow screen, and signs out.

import { request } from '../api/client.js';
import { watchSession } from '../api/me.js';
import { noteSignedOut, onSessionChange, root } from '../api/session.js';

class SiteHeader extends HTMLElement {
  connectedCallback() {
    this.nav = this.querySelector('nav');
    this.menu = this.querySelector('.menu');
    this.menu.addEventListener('click', () => this.open(this.menu.ariaExpanded !== 'true'));
    this.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.menu.ariaExpanded !== 'true') return;
      this.open(false);
      this.menu.focus();
    });
    const button = this.querySelector('#sign-out');
    button.addEventListener('click', () => signOut(button));
    onSessionChange(() => {
      button.disabled = false;
      this.open(false);
    });
    watchSession();
  }

  /** On a narrow screen a member's links are behind the button; two links of a guest need none. */
  open(wanted) {
    this.menu.setAttribute('aria-expanded', String(wanted));
    this.nav.classList.toggle('open', wanted);
  }
}

async function signOut(button) {
  button.disabled = true;
  try {
    await request('/api/authenticate', { method: 'DELETE' });
  } catch {
    // The cookie is out of a script's reach: to say "signed out" now would be untrue.
    button.disabled = false;
    button.textContent = 'Sign out: try again';
    return;
  }
  location.assign(new URL('login/', root));
  noteSignedOut();
}

customElements.define('site-header', SiteHeader);
