// The projects that the staff has hidden, each with its reason and the way back.

import { request } from '../assets/js/api/client.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { projectAddress } from '../assets/js/components/project-card.js';
import { byId, element, isolated, personal } from '../assets/js/dom.js';
import { pieces, t } from '../assets/js/texts.js';

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

/**
 * A class may have two people of the same name.
 *
 * @param {Api.Author} author
 */
function nameOf({ name, uid }) {
  return uid ? pieces('people.named', { name: personal(name), uid: personal(uid) }) : [personal(name)];
}

/** @param {Api.ListedProject} project */
function row({ id, title, author, hidden }) {
  const again = element(
    'button',
    {
      class: 'button quiet small',
      type: 'button',
      'aria-label': t('people.button', { action: t('common.show_again'), name: isolated(title) }),
    },
    t('common.show_again'),
  );
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
      element('span', { class: 'hint' }, ...nameOf(author), ': ', personal(hidden?.reason ?? '')),
    ),
    again,
  );
}
