// The join codes as cards: on the screen to check, on paper to cut and hand out.

import { request } from '../api/client.js';
import { root } from '../api/session.js';
import { clearFailure, showFailure } from '../components/failure.js';
import { element, personal } from '../dom.js';

const byId = (id) => document.getElementById(id);

export function initCodes() {
  byId('show-codes').addEventListener('click', showCodes);
  byId('print').addEventListener('click', () => print());
}

async function showCodes() {
  byId('show-codes').disabled = true;
  try {
    const { data: codes } = await request('/api/roster/codes', { method: 'POST' });
    byId('codes').replaceChildren(...codes.map(card));
    byId('codes-told').textContent = codes.length
      ? `${codes.length} codes. Whoever holds one can choose that person’s password.`
      : 'There is no code to hand out: everybody has joined.';
    byId('print').hidden = !codes.length;
    clearFailure(byId('codes-failure'));
  } catch (error) {
    showFailure(byId('codes-failure'), error, { retry: showCodes });
  }
  byId('show-codes').disabled = false;
}

function card({ name, uid, code, expires_at: expires }) {
  const until = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(new Date(expires));
  const join = new URL('join/', root);
  return element('li', {},
    element('strong', { dir: 'auto' }, name),
    element('span', { class: 'hint' }, 'ID: ', personal(uid)),
    element('span', { class: 'code' }, code),
    element('span', { class: 'hint' }, `${join.host}${join.pathname}`),
    element('span', { class: 'hint' }, `until ${until}`));
}
