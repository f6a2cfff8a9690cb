// The password once more: needed for what the staff does to others, on a page that is not on the API's own origin.

import { onConfirmationNeeded, request } from '../api/client.js';
import { t } from '../texts.js';
import { askInDialog, currentPasswordField, explainWrongPassword } from './dialog.js';

onConfirmationNeeded(async () => {
  const confirmed = await askInDialog({
    title: t('confirmation.title'),
    intro: [t('confirmation.intro')],
    action: t('confirmation.action'),
    fields: [currentPasswordField()],
    send: ({ current_password }) =>
      request('/api/confirmation', { method: 'POST', body: { current_password } }),
    explain: explainWrongPassword,
  });
  return confirmed !== null;
});
