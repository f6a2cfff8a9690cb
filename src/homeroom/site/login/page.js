// The sign-in page.

import '../assets/js/components/password-field.js';
import { ApiError, request, statusOf } from '../assets/js/api/client.js';
import { whoAmIPerhaps } from '../assets/js/api/me.js';
import {
  nextAddress,
  noteSignedIn,
  noteSignedOut,
  onSessionChangeElsewhere,
  seemsSignedIn,
} from '../assets/js/api/session.js';
import { advice } from '../assets/js/components/failure.js';
import { byId, element, within } from '../assets/js/dom.js';
import { clearErrors, fieldOf, onSubmit, say } from '../assets/js/forms.js';
import { pieces, t } from '../assets/js/texts.js';
import { duration } from '../assets/js/times.js';

const form = byId('sign-in', HTMLFormElement);
const already = byId('already');
const button = within(form, '[type=submit]', HTMLButtonElement);

onSubmit(form, signIn, explain);
onSessionChangeElsewhere(begin);
begin();

/** @param {Record<string, string>} values */
async function signIn({ uid, password }) {
  const { data } = await request('/api/authenticate', {
    method: 'POST',
    body: { uid: uid.trim(), password },
  });
  noteSignedIn(data.user);
  location.replace(nextAddress()); // "Back" should not return to a form that is done with
}

/** @type {import('../assets/js/forms.js').Explain} */
function explain(error) {
  if (error instanceof ApiError && error.status === 429 && error.retryAfter) {
    countDown(error.retryAfter);
    return true;
  }
  if (statusOf(error) !== 401) return null;
  fieldOf(form, 'password').select();
  return t('login.wrong');
}

/**
 * Says how long to wait, second by second for the eye, once for a screen reader.
 *
 * @param {number} seconds
 */
function countDown(seconds) {
  let left = seconds;
  const clock = element('span', { 'aria-hidden': 'true' }, duration(left));
  const spoken = element('span', { class: 'visually-hidden' }, duration(left));
  const time = element('span', {}, clock, spoken);
  say(form, '', 'error', ...pieces('login.too_many', { time }));
  button.disabled = true;
  const timer = setInterval(() => {
    left -= 1;
    clock.textContent = duration(left);
    if (left > 0) return;
    end();
    say(form, t('login.again_now'), 'success');
  }, 1000);
  // The next one at a shared computer has an ID of their own, and need not wait.
  const uid = fieldOf(form, 'uid');
  uid.addEventListener('input', end, { once: true });

  function end() {
    clearInterval(timer);
    uid.removeEventListener('input', end);
    button.disabled = false;
    clearErrors(form);
  }
}

/** Signed in or out in another tab: this one follows. */
function begin() {
  already.hidden = true;
  form.hidden = seemsSignedIn();
  greet();
}

/** Already signed in: says so instead of asking again, unless somebody has begun to type. */
async function greet() {
  const user = await whoAmIPerhaps().catch(() => null);
  const typed = fieldOf(form, 'uid').value || fieldOf(form, 'password').value;
  const greeted = user !== null && !typed;
  form.hidden = greeted;
  already.hidden = !greeted;
  if (!greeted) return;
  byId('already-name').textContent = user.name;
  byId('already-next', HTMLAnchorElement).href = nextAddress();
  byId('already-out').addEventListener('click', signOut);
}

async function signOut() {
  try {
    await request('/api/authenticate', { method: 'DELETE' });
  } catch (error) {
    byId('already-error').textContent = advice(error);
    return;
  }
  noteSignedOut();
  already.hidden = true;
  form.hidden = false;
  fieldOf(form, 'uid').focus();
}
