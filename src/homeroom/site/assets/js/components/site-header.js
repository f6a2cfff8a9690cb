// <site-header>: the bar on top of every page; it knows whether one is signed in.

import { request } from '../api/client.js';
import { watchSession } from '../api/me.js';
import { noteSignedOut, onSessionChange, root, seemsSignedIn, seemsStaff } from '../api/session.js';
import { element } from '../dom.js';

const GUEST_LINKS = [['login/', 'Sign in'], ['join/', 'Join']];
const MEMBER_LINKS = [['users/', 'Users'], ['portfolio/', 'Portfolio'], ['account/', 'Account']];
const STAFF_LINK = ['staff/', 'Staff'];

class SiteHeader extends HTMLElement {
  connectedCallback() {
    this.nav = element('nav', { 'aria-label': 'Site', id: 'site-nav' });
    this.menu = element('button', {
      type: 'button', class: 'nav-item menu', 'aria-controls': 'site-nav', 'aria-expanded': 'false',
    }, 'Menu');
    this.menu.addEventListener('click', () => this.open(this.menu.ariaExpanded !== 'true'));
    this.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.menu.ariaExpanded !== 'true') return;
      this.open(false);
      this.menu.focus();
    });
    this.append(element('header', { class: 'site-header' }, brand(), this.menu, this.nav));
    this.show();
    onSessionChange(() => this.show());
    watchSession();
  }

  /** On a narrow screen a member's links are behind the button; two links of a guest need none. */
  open(wanted) {
    this.menu.setAttribute('aria-expanded', String(wanted));
    this.nav.classList.toggle('open', wanted);
  }

  show() {
    const links = seemsSignedIn() ? [...MEMBER_LINKS] : GUEST_LINKS;
    if (seemsStaff()) links.splice(2, 0, STAFF_LINK);
    const items = links.map(([path, label]) => navLink(path, label));
    if (seemsSignedIn()) items.push(this.signOutButton());
    this.nav.replaceChildren(...items);
    this.nav.classList.toggle('foldable', seemsSignedIn());
    this.menu.hidden = !seemsSignedIn();
    this.open(false);
  }

  signOutButton() {
    const button = element('button', { type: 'button', class: 'nav-item' }, 'Sign out');
    button.addEventListener('click', async () => {
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
    });
    return button;
  }
}

function brand() {
  const logo = element('img', {
    src: new URL('favicon.svg', root).href, alt: '', width: '28', height: '28',
  });
  return element('a', { class: 'brand', href: root.href }, logo, 'Homeroom');
}

function navLink(path, label) {
  const address = new URL(path, root);
  const link = element('a', { class: 'nav-item', href: address.href }, label);
  if (`${location.pathname.replace(/\/$/, '')}/` === address.pathname) {
    link.setAttribute('aria-current', 'page');
  }
  return link;
}

customElements.define('site-header', SiteHeader);
