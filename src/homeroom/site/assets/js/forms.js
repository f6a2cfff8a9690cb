// Forms that say what is wrong where it is wrong, and cannot be sent twice.

import { ApiError, advice } from './api/client.js';
import { signInAddress } from './api/session.js';
import { element } from './dom.js';

/**
 * Sends a form by script. `send(values)` makes the request and throws what the API throws;
 * `explain(error)` may word a failure (a string), mark a field itself (true), or leave it to us.
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
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      showFailure(form, error, explain(error));
    } finally {
      form.removeAttribute('aria-busy');
    }
  });
  form.addEventListener('input', ({ target }) => unmark(target));
  // Until here the page could not have sent the form itself, and the browser's own way leads nowhere.
  for (const button of form.querySelectorAll('[data-starting]')) {
    button.disabled = false;
    delete button.dataset.starting;
  }
}

/** Marks one field as wrong, says why below it, and moves the focus there if none was marked yet. */
export function markField(form, name, message) {
  const input = form.elements.namedItem(name);
  const first = !form.querySelector('[aria-invalid]');
  input.setAttribute('aria-invalid', 'true');
  const place = document.getElementById(`${input.id}-error`);
  place.textContent = message;
  place.hidden = false;
  if (first) input.focus();
}

export function clearErrors(form) {
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  // Those of fields have an id; what a picture has to tell stays with it until it is sent or taken away.
  form.querySelectorAll('.field-error[id]').forEach(clear);
  say(form, '');
}

function clear(place) {
  place.textContent = ''; // hidden text would still describe its field to a screen reader
  place.hidden = true;
}

/** What was wrong with a field is no longer known once it is changed. */
function unmark(input) {
  if (!input.hasAttribute('aria-invalid')) return;
  input.removeAttribute('aria-invalid');
  clear(document.getElementById(`${input.id}-error`));
}

/** What the form has to tell: `kind` is "error" (interrupts a screen reader) or "success". */
export function say(form, message, kind = 'error', ...further) {
  const place = form.querySelector('.form-message');
  place.className = `form-message ${kind}`;
  place.setAttribute('role', kind === 'error' ? 'alert' : 'status');
  place.replaceChildren(message, ...further);
}

/** The two new passwords against the rules that stand beside them; the API has the last word. */
export function passwordIsRight(form, uid) {
  const { password, repeat } = Object.fromEntries(new FormData(form));
  if (password.length < 8) {
    markField(form, 'password', 'Use at least 8 characters.');
  } else if (password.toLowerCase() === uid.toLowerCase()) {
    markField(form, 'password', 'The password may not be your ID.');
  } else if (password !== repeat) {
    markField(form, 'repeat', 'This is not the same password.');
  }
  return !form.querySelector('[aria-invalid]');
}

function everyFieldIsFilled(form) {
  for (const input of form.elements) {
    if (input.validity?.valueMissing) {
      markField(form, input.name, input.dataset.missing);
    } else if (input.validity?.typeMismatch) {
      markField(form, input.name, input.dataset.mismatch);
    }
  }
  return !form.querySelector('[aria-invalid]');
}

function showFailure(form, error, explanation) {
  if (explanation === true) return;
  if (!explanation && error instanceof ApiError && markProblems(form, error.errors)) return;
  if (!explanation && error.status === 401) {
    const link = element('a', { href: signInAddress() }, 'Sign in again');
    say(form, 'Your session has ended. ', 'error', link);
    return;
  }
  say(form, explanation ?? advice(error));
}

/** Brings the API's list of wrong fields to the fields; false when none of them is in this form. */
function markProblems(form, problems) {
  let marked = false;
  for (const { pointer, detail } of problems) {
    const name = pointer.replace(/^#\//, '');
    // What is wrong with one tag (tags/2) is told at the field that holds them all.
    const field = [name, name.split('/')[0]].find((known) => form.elements.namedItem(known));
    if (!field) continue;
    markField(form, field, detail);
    marked = true;
  }
  return marked;
}

let fieldsMade = 0;

/** A field with its label, hint and place for an error, as the pages' own HTML has them. */
export function field({ name, label, hint, value = '', multiline, optional, ...attributes }) {
  fieldsMade += 1;
  const id = `field-${fieldsMade}`;
  const described = hint ? `${id}-hint ${id}-error` : `${id}-error`;
  const input = element(multiline ? 'textarea' : 'input', {
    id,
    name,
    dir: 'auto',
    'aria-describedby': described,
    ...attributes,
  });
  input.value = value;
  const caption = element('label', { for: id }, label);
  if (optional) caption.append(' ', element('span', { class: 'optional' }, '(optional)'));
  const control = attributes.type === 'password' ? element('password-field', {}, input) : input;
  const made = element('div', { class: 'field' }, caption, control);
  if (hint) made.append(element('p', { class: 'hint', id: `${id}-hint` }, hint));
  made.append(element('p', { class: 'field-error', id: `${id}-error`, hidden: '' }));
  return made;
}
