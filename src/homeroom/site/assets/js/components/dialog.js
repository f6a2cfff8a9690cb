// A question in a dialog. The browser's <dialog> keeps the focus in, closes by Escape and gives the
// focus back; the form in it says what is wrong as every other form does.

import { ApiError } from '../api/client.js';
import { element } from '../dom.js';
import { field, onSubmit } from '../forms.js';
import { t } from '../texts.js';

let dialogsMade = 0;

/**
 * @template Sent
 * @typedef {object} Asked
 * @property {string} title
 * @property {string[]} [intro] a paragraph each
 * @property {HTMLElement[]} [fields]
 * @property {string} action the button that sends
 * @property {boolean} [danger]
 * @property {string | null} [leave] the button that leaves; null where there is nothing to decide
 * @property {(values: Record<string, string>) => Sent | Promise<Sent>} send throws what the API throws (told in the
 *   dialog), or gives back false to keep it open
 * @property {import('../forms.js').Explain} [explain]
 */

/**
 * Asks, and gives back what `send(values)` gave; null when it was left.
 *
 * @template Sent
 * @param {Asked<Sent>} asked
 * @returns {Promise<Sent | null>}
 */
export function askInDialog({
  title,
  intro = [],
  fields = [],
  action,
  danger = false,
  leave = t('common.cancel'),
  send,
  explain,
}) {
  dialogsMade += 1;
  const id = `dialog-${dialogsMade}`;
  const cancel = element('button', { class: 'button quiet', type: 'button' }, leave ?? '');
  cancel.hidden = !leave;
  // Where there is nothing to fill in, Enter that comes too soon decides nothing.
  cancel.autofocus = !!leave && !fields.length;
  const form = element(
    'form',
    { method: 'post' },
    element('h2', { id }, title),
    ...intro.map((text) => element('p', { class: 'hint' }, text)),
    element('div', { class: 'form-message', role: 'alert' }),
    ...fields,
    element(
      'p',
      { class: 'actions' },
      element('button', { class: danger ? 'button danger' : 'button', type: 'submit' }, action),
      cancel,
    ),
  );
  const dialog = element('dialog', { class: 'dialog', 'aria-labelledby': id }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    /** @type {Sent | null} */
    let answer = null;
    onSubmit(
      form,
      async (values) => {
        const given = await send(values);
        if (given === false) return;
        answer = given;
        dialog.close();
      },
      explain,
    );
    cancel.addEventListener('click', () => dialog.close());
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
  });
}

/** The field for the password that one has, as the API names it. */
export function currentPasswordField() {
  return field({
    name: 'current_password',
    label: t('password.yours'),
    type: 'password',
    required: '',
    autocomplete: 'current-password',
    'data-missing': t('password.missing'),
  });
}

/**
 * A wrong password is a 403 that names no field.
 *
 * @type {import('../forms.js').Explain}
 */
export function explainWrongPassword(error) {
  return error instanceof ApiError && error.status === 403 && !error.errors.length ? error.detail : null;
}
