// <site-header>: the bar on top of every page; it knows whether one is signed in.

import { request } from '../api/client.js';
import { noteSignedOut, onSessionChange, root, seemsSignedIn } from '../api/session.js';
import { element } from '../dom.js';

const GUEST_LINKS = [['login/', 'Sign in'], ['join/', 'Join']];
const MEMBER_LINKS = [['users/', 'Users'], ['account/', 'Account']];

class SiteHeader extends HTMLElement {
  connectedCallback() {
    this.nav = element('nav', { 'aria-label': 'Site' });
    this.append(element('header', { class: 'site-header' }, brand(), this.nav));
    this.show();
    onSessionChange(() => this.show());
  }

  show() {
    const links = seemsSignedIn() ? MEMBER_LINKS : GUEST_LINKS;
    const items = links.map(([path, label]) => navLink(path, label));
    if (seemsSignedIn()) items.push(this.signOutButton());
    this.nav.replaceChildren(...items);
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
