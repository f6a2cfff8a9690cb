// <password-field>: wraps a password input and adds the button that shows what was typed.

import { element, within } from '../dom.js';
import { t } from '../texts.js';

class PasswordField extends HTMLElement {
  connectedCallback() {
    const input = within(this, 'input', HTMLInputElement);
    const button = element('button', { type: 'button', class: 'reveal', 'aria-controls': input.id });
    const show = (/** @type {boolean} */ visible) => {
      input.type = visible ? 'text' : 'password';
      button.textContent = visible ? t('password.hide') : t('password.show');
      button.setAttribute('aria-label', visible ? t('password.hide_spoken') : t('password.show_spoken'));
    };
    show(false);
    button.addEventListener('click', () => show(input.type === 'password'));
    // A visible password would be kept by the browser as ordinary form history.
    input.form?.addEventListener('submit', () => show(false));
    this.append(button);
  }
}

customElements.define('password-field', PasswordField);
