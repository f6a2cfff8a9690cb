// Forms that say what is wrong where it is wrong, and cannot be sent twice.

import { ApiError, statusOf } from './api/client.js';
import { signInAddress } from './api/session.js';
import { advice } from './components/failure.js';
import { byId, element, within } from './dom.js';
import { pieces, t } from './texts.js';

/**
 * Words a failure (a string), says that the field itself was marked (true), or leaves it to us (null).
 *
 * @typedef {(error: unknown) => string | true | null} Explain
 */

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */

/**
 * Sends a form by script. `send` makes the request and throws what the API throws.
 *
 * @param {HTMLFormElement} form
 * @param {(values: Record<string, string>) => unknown} send hears the fields by their names; files are left out
 * @param {Explain} [explain]
 */
export function onSubmit(form, send, explain = () => null) {
  form.noValidate = true; // the browser's bubbles vanish; ours stay beside their fields
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.getAttribute('aria-busy') === 'true') return;
    clearErrors(form);
    if (!everyFieldIsFilled(form)) return;
    form.setAttribute('aria-busy', 'true');
    try {
      await send(valuesOf(form));
    } catch (error) {
      showFailure(form, error, explain(error));
    } finally {
      form.removeAttribute('aria-busy');
    }
  });
  form.addEventListener('input', ({ target }) => {
    if (target instanceof Element) unmark(target);
  });
  // Until here the page could not have sent the form itself, and the browser's own way leads nowhere.
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (
    form.querySelectorAll('[data-starting]')
  )) {
    button.disabled = false;
    delete button.dataset.starting;
  }
}

/**
 * What stands in a form's fields, by their names.
 *
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>}
 */
export function valuesOf(form) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const [name, value] of new FormData(form)) if (typeof value === 'string') values[name] = value;
  return values;
}

/**
 * A form's field by its name.
 *
 * @template {HTMLElement} [Kind=HTMLInputElement]
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export function fieldOf(form, name, kind) {
  const wanted = kind ?? HTMLInputElement;
  const found = form.elements.namedItem(name);
  if (!(found instanceof wanted)) throw new TypeError(`The form has no ${wanted.name} "${name}".`);
  return /** @type {Kind} */ (/** @type {unknown} */ (found));
}

/**
 * Marks one field as wrong, says why below it, and moves the focus there if none was marked yet.
 *
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {string} message
 */
export function markField(form, name, message) {
  const input = /** @type {Control} */ (form.elements.namedItem(name));
  const first = !form.querySelector('[aria-invalid]');
  input.setAttribute('aria-invalid', 'true');
  const place = byId(`${input.id}-error`);
  place.textContent = message;
  place.hidden = false;
  if (first) input.focus();
}

/** @param {HTMLFormElement} form */
export function clearErrors(form) {
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  // Those of fields have an id; what a picture has to tell stays with it until it is sent or taken away.
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll('.field-error[id]'))) {
    clear(place);
  }
  say(form, '');
}

/** @param {HTMLElement} place */
function clear(place) {
  place.textContent = ''; // hidden text would still describe its field to a screen reader
  place.hidden = true;
}

/**
 * What was wrong with a field is no longer known once it is changed.
 *
 * @param {Element} input
 */
function unmark(input) {
  if (!input.hasAttribute('aria-invalid')) return;
  input.removeAttribute('aria-invalid');
  clear(byId(`${input.id}-error`));
}

/**
 * What the form has to tell: `kind` is "error" (interrupts a screen reader) or "success".
 *
 * @param {HTMLFormElement} form
 * @param {string} message
 * @param {'error' | 'success'} [kind]
 * @param {...(Node | string)} further
 */
export function say(form, message, kind = 'error', ...further) {
  const place = within(form, '.form-message');
  place.className = `form-message ${kind}`;
  place.setAttribute('role', kind === 'error' ? 'alert' : 'status');
  place.replaceChildren(message, ...further);
}

/**
 * The two new passwords against the rules that stand beside them; the API has the last word.
 *
 * @param {HTMLFormElement} form
 * @param {string} uid
 */
export function passwordIsRight(form, uid) {
  const { password = '', repeat } = valuesOf(form);
  if (password.length < 8) {
    markField(form, 'password', t('password.too_short'));
  } else if (password.toLowerCase() === uid.toLowerCase()) {
    markField(form, 'password', t('password.is_id'));
  } else if (password !== repeat) {
    markField(form, 'repeat', t('password.differs'));
  }
  return !form.querySelector('[aria-invalid]');
}

/** @param {HTMLFormElement} form */
function everyFieldIsFilled(form) {
  for (const input of /** @type {Iterable<Control>} */ (form.elements)) {
    if (input.validity?.valueMissing) {
      markField(form, input.name, input.dataset.missing ?? '');
    } else if (input.validity?.typeMismatch) {
      markField(form, input.name, input.dataset.mismatch ?? '');
    }
  }
  return !form.querySelector('[aria-invalid]');
}

/**
 * @param {HTMLFormElement} form
 * @param {unknown} error
 * @param {string | true | null} explanation
 */
function showFailure(form, error, explanation) {
  if (explanation === true) return;
  if (!explanation && error instanceof ApiError && markProblems(form, error.errors)) return;
  if (!explanation && statusOf(error) === 401) {
    const link = element('a', { href: signInAddress() }, t('form.sign_in_again'));
    say(form, '', 'error', ...pieces('form.session_ended', { sign_in: link }));
    return;
  }
  say(form, explanation ?? advice(error));
}

/**
 * Brings the API's list of wrong fields to the fields; false when none of them is in this form.
 *
 * @param {HTMLFormElement} form
 * @param {Api.FieldProblem[]} problems
 */
function markProblems(form, problems) {
  let marked = false;
  for (const { pointer, detail } of problems) {
    const name = pointer.replace(/^#\//, '');
    // What is wrong with one tag (tags/2) is told at the field that holds them all.
    const field = [name, name.replace(/\/.*/, '')].find((known) => form.elements.namedItem(known));
    if (!field) continue;
    markField(form, field, detail);
    marked = true;
  }
  return marked;
}

let fieldsMade = 0;

/**
 * @typedef {object} NewField
 * @property {string} name
 * @property {string} label
 * @property {string} [hint]
 * @property {string} [value]
 * @property {boolean} [multiline]
 * @property {boolean} [optional]
 */

/**
 * A field with its label, hint and place for an error, as the pages' own HTML has them. Whatever else it is given
 * becomes an attribute of its input.
 *
 * @param {NewField & Record<string, unknown>} wanted
 */
export function field({ name, label, hint, value = '', multiline, optional, ...attributes }) {
  fieldsMade += 1;
  const id = `field-${fieldsMade}`;
  const described = hint ? `${id}-hint ${id}-error` : `${id}-error`;
  const input = element(multiline ? 'textarea' : 'input', {
    id,
    name,
    dir: 'auto',
    'aria-describedby': described,
    .../** @type {Record<string, string>} */ (attributes),
  });
  input.value = value;
  const caption = element('label', { for: id }, label);
  if (optional) caption.append(' ', element('span', { class: 'optional' }, t('common.optional')));
  const control = attributes.type === 'password' ? element('password-field', {}, input) : input;
  const made = element('div', { class: 'field' }, caption, control);
  if (hint) made.append(element('p', { class: 'hint', id: `${id}-hint` }, hint));
  made.append(element('p', { class: 'field-error', id: `${id}-error`, hidden: '' }));
  return made;
}
