// <markdown-field>: a textarea with two tabs, "Write" and "Preview". The preview comes from the server,
// from the very code that will show the text: what one sees here is what others will see.
//
// The tabs follow the pattern of the ARIA Authoring Practices: arrows move, Tab leads into the panel.

import { ApiError, isCalledOff, request, statusOf } from '../api/client.js';
import { element, within } from '../dom.js';
import { t } from '../texts.js';
import { contentFragment } from './content.js';
import { advice, signInElsewhere } from './failure.js';

/** @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

class MarkdownField extends HTMLElement {
  #writing = panel('write');
  #preview = panel('preview');
  #tabs = [tab(t('markdown.write'), this.#writing), tab(t('common.preview'), this.#preview)];
  #asking = new AbortController();

  connectedCallback() {
    if (this.contains(this.#writing)) return;
    this.#preview.tabIndex = 0;
    this.#preview.hidden = true;
    this.#writing.append(this.#input(), within(this, '.hint'));
    const list = element(
      'div',
      { class: 'tabs', role: 'tablist', 'aria-label': t('markdown.tabs') },
      ...this.#tabs,
    );
    within(this, 'label').after(list, this.#writing, this.#preview);
    for (const each of this.#tabs) each.addEventListener('click', () => this.#open(each));
    list.addEventListener('keydown', (event) => this.#step(event));
    // What is wrong with the text is told at the text.
    this.closest('form')?.addEventListener('submit', () => this.#open(this.#tabs[0]), { capture: true });
    this.#open(this.#tabs[0]);
  }

  #input() {
    return within(this, 'textarea', HTMLTextAreaElement);
  }

  /**
   * By arrows; there are two tabs, so both lead to the other one.
   *
   * @param {KeyboardEvent} event
   */
  #step(event) {
    if (!(event.key in STEPS) || !(event.target instanceof HTMLButtonElement)) return;
    event.preventDefault();
    const place = this.#tabs.indexOf(event.target) + STEPS[event.key];
    const next = this.#tabs.at(place % this.#tabs.length) ?? this.#tabs[0];
    this.#open(next);
    next.focus();
  }

  /** @param {HTMLButtonElement} opened */
  #open(opened) {
    // The page keeps its height: what stands below does not jump.
    if (this.#input().offsetHeight) this.#preview.style.minHeight = `${this.#writing.offsetHeight}px`;
    for (const each of this.#tabs) {
      each.setAttribute('aria-selected', String(each === opened));
      each.tabIndex = each === opened ? 0 : -1;
    }
    this.#writing.hidden = opened !== this.#tabs[0];
    this.#preview.hidden = opened !== this.#tabs[1];
    this.#asking.abort();
    if (!this.#preview.hidden) this.#render();
  }

  async #render() {
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#preview.setAttribute('aria-busy', 'true');
    if (!this.#preview.children.length) this.#preview.replaceChildren(...bars());
    try {
      const { data } = await request('/api/projects/preview', {
        method: 'POST',
        body: { body: this.#input().value },
        signal,
      });
      this.#show(data.content);
    } catch (error) {
      if (isCalledOff(error)) return;
      this.#fail(error);
    }
    this.#preview.removeAttribute('aria-busy');
  }

  /** @param {Api.ContentNode[]} nodes */
  #show(nodes) {
    this.#preview.replaceChildren(
      nodes.length
        ? element('div', { class: 'content' }, contentFragment(nodes))
        : element('p', { class: 'hint' }, t('markdown.empty')),
    );
  }

  /** @param {unknown} error */
  #fail(error) {
    const wrong = error instanceof ApiError ? error.errors[0]?.detail : null;
    const reason = wrong ?? advice(error);
    const told = element('p', { role: 'alert' }, t('markdown.failed', { reason }));
    const again = element('button', { class: 'button quiet small', type: 'button' }, t('common.try_again'));
    again.addEventListener('click', () => {
      this.#preview.focus(); // the button goes, and with it the focus
      this.#render();
    });
    const actions = element('p', { class: 'actions' }, again);
    if (statusOf(error) === 401) actions.prepend(signInElsewhere());
    this.#preview.replaceChildren(element('div', { class: 'preview-failure' }, told, actions));
  }
}

/** @param {string} name */
function panel(name) {
  return element('div', {
    class: `tab-panel ${name}`,
    role: 'tabpanel',
    id: `${name}-panel`,
    'aria-labelledby': `${name}-tab`,
  });
}

/**
 * @param {string} label
 * @param {HTMLElement} panel
 */
function tab(label, { id }) {
  const attributes = { class: 'tab', type: 'button', role: 'tab', 'aria-controls': id };
  return element('button', { ...attributes, id: id.replace('panel', 'tab') }, label);
}

function bars() {
  return ['w5', 'w6', 'w4'].map((width) => element('span', { class: `bar ${width}` }));
}

customElements.define('markdown-field', MarkdownField);
