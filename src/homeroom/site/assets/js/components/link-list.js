// <link-list>: links that one can name, add and take away; `value` is [{ label, url }].

import { element } from '../dom.js';
import { field } from '../forms.js';
import { t } from '../texts.js';

const MAX_LINKS = 12;

export class LinkList extends HTMLElement {
  #rows = element('div', { class: 'link-rows' });
  #add = element('button', { class: 'button quiet small', type: 'button' }, t('link.add'));

  connectedCallback() {
    if (this.contains(this.#rows)) return;
    this.#add.addEventListener('click', () => {
      this.#addLink({ label: '', url: '' });
      this.#pairs().at(-1)?.[0]?.focus();
    });
    this.append(this.#rows, this.#add);
  }

  /** @returns {Api.Link[]} */
  get value() {
    return this.#pairs()
      .map(([label, url]) => ({ label: label.value.trim(), url: url.value.trim() }))
      .filter(({ label, url }) => label || url)
      .map(({ label, url }) => ({ label: label || url, url: withScheme(url) }));
  }

  set value(links) {
    this.#rows.replaceChildren();
    for (const link of links) this.#addLink(link);
    this.#number();
  }

  /** @param {Api.Link} link */
  #addLink({ label, url }) {
    const remove = element('button', { class: 'button quiet small', type: 'button' }, t('common.remove'));
    const row = element(
      'div',
      { class: 'link-row', role: 'group' },
      field({ name: 'label', label: t('common.name'), value: label, maxlength: '80' }),
      field({
        name: 'url',
        label: t('common.address'),
        value: url,
        inputmode: 'url',
        dir: 'ltr',
        spellcheck: 'false',
        autocapitalize: 'none',
        placeholder: 'https://…',
      }),
      remove,
    );
    remove.addEventListener('click', () => {
      const neighbour = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      this.#number();
      (neighbour?.querySelector('input') ?? this.#add).focus();
      this.dispatchEvent(new Event('input', { bubbles: true }));
    });
    this.#rows.append(row);
    this.#number();
  }

  /** Names the fields as the API points at them: links/0/url. */
  #number() {
    for (const [index, [label, url]] of this.#pairs().entries()) {
      label.name = `links/${index}/label`;
      url.name = `links/${index}/url`;
      label.closest('.link-row')?.setAttribute('aria-label', t('link.number', { number: index + 1 }));
    }
    this.#add.hidden = this.#rows.children.length >= MAX_LINKS;
  }

  #pairs() {
    return [...this.#rows.children].map(
      (row) => /** @type {[HTMLInputElement, HTMLInputElement]} */ ([...row.querySelectorAll('input')]),
    );
  }
}

/**
 * People write example.org: what has no scheme means https.
 *
 * @param {string} url
 */
function withScheme(url) {
  return !url || /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`;
}

customElements.define('link-list', LinkList);
