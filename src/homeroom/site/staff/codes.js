// The join codes as cards: on the screen to check, on paper to cut and hand out.

import { request } from '../assets/js/api/client.js';
import { root } from '../assets/js/api/session.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { byId, element, personal } from '../assets/js/dom.js';

export function initCodes() {
  byId('show-codes').addEventListener('click', showCodes);
  byId('print').addEventListener('click', () => print());
}

async function showCodes() {
  const button = byId('show-codes', HTMLButtonElement);
  button.disabled = true;
  try {
    const { data: codes } = await request('/api/roster/codes', { method: 'POST' });
    byId('codes').replaceChildren(...codes.map(card));
    byId('codes-told').textContent = told(codes.length);
    byId('print').hidden = !codes.length;
    clearFailure(byId('codes-failure'));
  } catch (error) {
    showFailure(byId('codes-failure'), error, { retry: showCodes });
  }
  button.disabled = false;
}

/** @param {number} count */
function told(count) {
  if (!count) return 'There is no code to hand out: everybody has joined.';
  const place = opensElsewhere()
    ? ''
    : ` The address ${root.host} opens on this computer only, so it isn’t on the cards: ` +
      'open this page at the address that your students use to print it.';
  return `${count} ${count === 1 ? 'code' : 'codes'}. Whoever holds one can choose that person’s password.${place}`;
}

/** Whether students' phones can open the address that this page has. */
function opensElsewhere() {
  return !['localhost', '127.0.0.1', '[::1]'].includes(root.hostname);
}

/** @param {Api.PersonCode} code */
function card({ name, uid, code, expires_at: expires }) {
  const until = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(new Date(expires));
  const join = new URL('join/', root);
  return element(
    'li',
    {},
    element('strong', { dir: 'auto' }, name),
    element('span', { class: 'hint' }, 'ID: ', personal(uid)),
    element('span', { class: 'code' }, code),
    opensElsewhere() ? element('span', { class: 'hint' }, `${join.host}${join.pathname}`) : '',
    element('span', { class: 'hint' }, `until ${until}`),
  );
}
