// <markdown-field>: a textarea with two tabs, "Write" and "Preview". The preview comes from the server,
// from the very code that will show the text: what one sees here is what others will see.
//
// The tabs follow the pattern of the ARIA Authoring Practices: arrows move, Tab leads into the panel.

import { advice, request } from '../api/client.js';
import { element } from '../dom.js';
import { contentFragment } from './content.js';
import { signInElsewhere } from './failure.js';

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

class MarkdownField extends HTMLElement {
  connectedCallback() {
    if (this.tabs) return;
    this.input = this.querySelector('textarea');
    this.asking = new AbortController();
    this.writing = panel('write');
    this.preview = panel('preview');
    this.preview.tabIndex = 0;
    this.preview.hidden = true;
    this.tabs = [tab('Write', this.writing), tab('Preview', this.preview)];
    this.writing.append(this.input, this.querySelector('.hint'));
    const list = element(
      'div',
      { class: 'tabs', role: 'tablist', 'aria-label': 'Write or preview' },
      ...this.tabs,
    );
    this.querySelector('label').after(list, this.writing, this.preview);
    for (const each of this.tabs) each.addEventListener('click', () => this.open(each));
    list.addEventListener('keydown', (event) => this.step(event));
    // What is wrong with the text is told at the text.
    this.closest('form').addEventListener('submit', () => this.open(this.tabs[0]), { capture: true });
    this.open(this.tabs[0]);
  }

  /** By arrows; there are two tabs, so both lead to the other one. */
  step(event) {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    const place = this.tabs.indexOf(event.target) + STEPS[event.key];
    const next = this.tabs.at(place % this.tabs.length);
    this.open(next);
    next.focus();
  }

  open(opened) {
    // The page keeps its height: what stands below does not jump.
    if (this.input.offsetHeight) this.preview.style.minHeight = `${this.writing.offsetHeight}px`;
    for (const each of this.tabs) {
      each.setAttribute('aria-selected', String(each === opened));
      each.tabIndex = each === opened ? 0 : -1;
    }
    this.writing.hidden = opened !== this.tabs[0];
    this.preview.hidden = opened !== this.tabs[1];
    this.asking.abort();
    if (!this.preview.hidden) this.render();
  }

  async render() {
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.preview.setAttribute('aria-busy', 'true');
    if (!this.preview.children.length) this.preview.replaceChildren(...bars());
    try {
      const { data } = await request('/api/projects/preview', {
        method: 'POST',
        body: { body: this.input.value },
        signal,
      });
      this.show(data.content);
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.fail(error);
    }
    this.preview.removeAttribute('aria-busy');
  }

  show(nodes) {
    this.preview.replaceChildren(
      nodes.length
        ? element('div', { class: 'content' }, contentFragment(nodes))
        : element('p', { class: 'hint' }, 'Nothing is written yet.'),
    );
  }

  fail(error) {
    const reason = error.errors?.[0]?.detail ?? advice(error);
    const told = element('p', { role: 'alert' }, `There is no preview now. ${reason} Your text stays here.`);
    const again = element('button', { class: 'button quiet small', type: 'button' }, 'Try again');
    again.addEventListener('click', () => {
      this.preview.focus(); // the button goes, and with it the focus
      this.render();
    });
    const actions = element('p', { class: 'actions' }, again);
    if (error.status === 401) actions.prepend(signInElsewhere());
    this.preview.replaceChildren(element('div', { class: 'preview-failure' }, told, actions));
  }
}

function panel(name) {
  return element('div', {
    class: `tab-panel ${name}`,
    role: 'tabpanel',
    id: `${name}-panel`,
    'aria-labelledby': `${name}-tab`,
  });
}

function tab(label, { id }) {
  return element(
    'button',
    {
      class: 'tab',
      type: 'button',
      role: 'tab',
      id: id.replace('panel', 'tab'),
      'aria-controls': id,
    },
    label,
  );
}

function bars() {
  return ['w5', 'w6', 'w4'].map((width) => element('span', { class: `bar ${width}` }));
}

customElements.define('markdown-field', MarkdownField);
