// The join codes as cards: on the screen to check, on paper to cut and hand out.

import { request } from '../assets/js/api/client.js';
import { root } from '../assets/js/api/session.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { byId, element, personal, whileDisabled } from '../assets/js/dom.js';
import { locale, pieces, t } from '../assets/js/texts.js';

export function initCodes() {
  const button = byId('show-codes', HTMLButtonElement);
  button.addEventListener('click', () => whileDisabled(button, showCodes));
  byId('print').addEventListener('click', () => print());
}

async function showCodes() {
  try {
    const { data: codes } = await request('/api/roster/codes', { method: 'POST' });
    byId('codes').replaceChildren(...codes.map(card));
    byId('codes-told').textContent = told(codes.length);
    byId('print').hidden = !codes.length;
    clearFailure(byId('codes-failure'));
  } catch (error) {
    showFailure(byId('codes-failure'), error, { retry: showCodes });
  }
}

/** @param {number} count */
function told(count) {
  if (!count) return t('codes.none');
  const codes = t('codes.told', { count });
  return opensElsewhere() ? codes : `${codes} ${t('codes.local', { host: root.host })}`;
}

/** Whether students' phones can open the address that this page has. */
function opensElsewhere() {
  return !['localhost', '127.0.0.1', '[::1]'].includes(root.hostname);
}

/** @param {Api.PersonCode} code */
function card({ name, uid, code, expires_at: expires }) {
  const until = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(new Date(expires));
  const join = new URL('join/', root);
  return element(
    'li',
    {},
    element('strong', { dir: 'auto' }, name),
    element('span', { class: 'hint' }, ...pieces('codes.uid', { uid: personal(uid) })),
    element('span', { class: 'code' }, code),
    element('span', { class: 'hint' }, t('codes.advice')),
    opensElsewhere() ? element('span', { class: 'hint' }, `${join.host}${join.pathname}`) : '',
    element('span', { class: 'hint' }, t('codes.until', { date: until })),
  );
}
