// The password once more: needed for what the staff does to others, on a page that is not on the API's own origin.

import { onConfirmationNeeded, request } from '../api/client.js';
import { askInDialog, currentPasswordField, explainWrongPassword } from './dialog.js';

onConfirmationNeeded(async () => {
  const confirmed = await askInDialog({
    title: 'Confirm your password',
    intro: [
      'This page isn’t on the class site itself, so this change needs your password. It is asked for again after 15 minutes.',
    ],
    action: 'Confirm',
    fields: [currentPasswordField()],
    send: ({ current_password }) =>
      request('/api/confirmation', { method: 'POST', body: { current_password } }),
    explain: explainWrongPassword,
  });
  return confirmed !== null;
});
