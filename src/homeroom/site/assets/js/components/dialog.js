// A question in a dialog. The browser's <dialog> keeps the focus in, closes by Escape and gives the
// focus back; the form in it says what is wrong as every other form does.

import { element } from '../dom.js';
import { onSubmit } from '../forms.js';

let dialogsMade = 0;

/**
 * Asks, and gives back what `send(values, form)` gave; null when it was left.
 * `leave` names the button that leaves it without an answer; null where there is nothing to decide.
 * `send` throws what the API throws (told in the dialog), or gives back false to keep it open.
 */
export function askInDialog({
  title,
  intro = [],
  fields = [],
  action,
  danger = false,
  leave = 'Cancel',
  send,
  explain,
}) {
  dialogsMade += 1;
  const id = `dialog-${dialogsMade}`;
  const cancel = element('button', { class: 'button quiet', type: 'button' }, leave ?? '');
  cancel.hidden = !leave;
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
    let answer = null;
    onSubmit(
      form,
      async (values) => {
        const given = await send(values, form);
        if (given === false) return;
        answer = given ?? true;
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
