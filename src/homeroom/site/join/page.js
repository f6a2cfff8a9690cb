// The join page: a one-time code from the teacher becomes a password of one's own.

import '../assets/js/components/password-field.js';
import { request, statusOf } from '../assets/js/api/client.js';
import { nextAddress, noteSignedIn } from '../assets/js/api/session.js';
import { byId } from '../assets/js/dom.js';
import { fieldOf, markField, onSubmit, passwordIsRight } from '../assets/js/forms.js';
import { t } from '../assets/js/texts.js';

const codeForm = byId('enter-code', HTMLFormElement);
const passwordForm = byId('choose-password', HTMLFormElement);

let code = '';
let asked = ''; // the last code that was looked up, right or wrong

onSubmit(codeForm, (values) => lookUp(values.code), explainCode);
onSubmit(passwordForm, join, explainJoin);
openFromAddress();

/** The code arrives behind `#`, which no server sees; then it leaves the address bar and history. */
function openFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('code');
  if (!given) return;
  history.replaceState(null, '', location.pathname + location.search);
  fieldOf(codeForm, 'code').value = given;
  codeForm.requestSubmit();
}

/** @param {string} given */
async function lookUp(given) {
  asked = given.trim();
  const { data: person } = await request('/api/join/code', {
    method: 'POST',
    body: { code: given.trim() },
  });
  code = given.trim();
  byId('join-name').textContent = person.name;
  byId('join-uid').textContent = person.uid;
  fieldOf(passwordForm, 'username').value = person.uid;
  codeForm.hidden = true;
  passwordForm.hidden = false;
  byId('join-greeting').focus();
}

/** @type {import('../assets/js/forms.js').Explain} */
function explainCode(error) {
  if (![404, 422].includes(statusOf(error) ?? 0)) return null;
  markField(codeForm, 'code', t('join.unknown'));
  return true;
}

/** @param {Record<string, string>} values */
async function join({ username, password }) {
  if (!passwordIsRight(passwordForm, username)) return;
  const { data } = await request('/api/join', { method: 'POST', body: { code, password } });
  noteSignedIn(data.user);
  location.replace(nextAddress());
}

/**
 * The code went while the password was being chosen: back to the first step.
 *
 * @type {import('../assets/js/forms.js').Explain}
 */
function explainJoin(error) {
  if (statusOf(error) !== 404) return null;
  passwordForm.hidden = true;
  codeForm.hidden = false;
  markField(codeForm, 'code', t('join.unknown'));
  return true;
}

/** For the page in another language, which takes the code out of the address again. */
function putIntoAddress() {
  if (asked) history.replaceState(null, '', `#${new URLSearchParams({ code: asked })}`);
}

addEventListener('hashchange', openFromAddress);
addEventListener('language-chosen', putIntoAddress);
