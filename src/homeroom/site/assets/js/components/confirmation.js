// The password once more: needed for what the staff does to others, on a page that is not on the API's own origin.

import { onConfirmationNeeded, request } from '../api/client.js';
import { field } from '../forms.js';
import { askInDialog } from './dialog.js';

onConfirmationNeeded(async () => {
  const confirmed = await askInDialog({
    title: 'Confirm your password',
    intro: [
      'This page isn’t on the class site itself, so this change needs your password. It is asked for again after 15 minutes.',
    ],
    action: 'Confirm',
    fields: [
      field({
        name: 'current_password',
        label: 'Your password',
        type: 'password',
        required: '',
        autocomplete: 'current-password',
        'data-missing': 'Enter your password.',
      }),
    ],
    send: (body) => request('/api/confirmation', { method: 'POST', body }),
    explain: (error) => (error.status === 403 && !error.errors.length ? error.detail : null),
  });
  return confirmed !== null;
});
