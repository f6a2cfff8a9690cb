// The projects that the staff has hidden, each with its reason and the way back.

import { request } from '../assets/js/api/client.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { projectAddress } from '../assets/js/components/project-card.js';
import { byId, element, personal } from '../assets/js/dom.js';
import { t } from '../assets/js/texts.js';

export async function showHidden() {
  try {
    const { data: projects } = await request('/api/projects/?hidden=true&limit=100');
    byId('hidden').replaceChildren(...projects.map(row));
    byId('hidden-empty').hidden = projects.length > 0;
    clearFailure(byId('hidden-failure'));
  } catch (error) {
    showFailure(byId('hidden-failure'), error, { retry: showHidden });
  }
}

/** @param {Api.ListedProject} project */
function row({ id, title, author, hidden }) {
  const again = element('button', { class: 'button quiet small', type: 'button' }, t('common.show_again'));
  again.addEventListener('click', async () => {
    again.disabled = true;
    try {
      await request(`/api/projects/${id}/hidden`, { method: 'DELETE' });
      await showHidden();
      byId('hidden-title').focus();
    } catch (error) {
      again.disabled = false;
      showFailure(byId('hidden-failure'), error, { retry: showHidden });
    }
  });
  return element(
    'li',
    {},
    element(
      'div',
      { class: 'grow' },
      element('a', { href: projectAddress(id) }, personal(title)),
      element('span', { class: 'hint' }, personal(author.name), ': ', personal(hidden?.reason ?? '')),
    ),
    again,
  );
}
