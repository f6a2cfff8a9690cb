// Where somebody is signed in: each session with its device and last use, and a button that ends it.

import { request } from '../api/client.js';
import { element, within } from '../dom.js';
import { t } from '../texts.js';
import { ago, onDay } from '../times.js';
import { advice } from './failure.js';

/**
 * Fills a list with one's sessions; what fails is told in the list itself.
 *
 * @param {HTMLElement} list
 */
export async function showSessions(list) {
  try {
    const { data: sessions } = await request('/api/sessions');
    list.replaceChildren(...sessions.map((session) => item(list, session)));
  } catch (error) {
    list.replaceChildren(element('li', { class: 'hint' }, advice(error)));
  }
}

/**
 * @param {HTMLElement} list
 * @param {Api.Session} session
 */
function item(list, { id, device, current, created_at: created, last_used_at: used }) {
  const since = onDay(new Date(created));
  const made = element(
    'li',
    {},
    element(
      'div',
      {},
      element('strong', {}, device),
      element('span', { class: 'hint' }, current ? t('session.in_use', { since }) : lastUse(used, since)),
    ),
  );
  if (current) return made;
  const end = element(
    'button',
    {
      class: 'button quiet small',
      type: 'button',
      'aria-label': t('session.end_spoken', { device }),
    },
    t('session.end'),
  );
  end.addEventListener('click', async () => {
    end.disabled = true;
    try {
      await request(`/api/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
      made.remove();
      // The button that had the focus is gone; the next one ends what is left.
      within(list.parentElement ?? list, '[type=submit]').focus();
    } catch (error) {
      end.disabled = false;
      within(made, '.hint').textContent = advice(error);
    }
  });
  made.append(end);
  return made;
}

/**
 * @param {string | null | undefined} used
 * @param {string} since
 */
function lastUse(used, since) {
  return used ? t('session.used', { ago: ago(new Date(used)), since }) : t('session.unused', { since });
}
