// The sign-in page.

import '../assets/js/components/password-field.js';
import { advice, duration, request } from '../assets/js/api/client.js';
import { whoAmIPerhaps } from '../assets/js/api/me.js';
import {
  nextAddress,
  noteSignedIn,
  noteSignedOut,
  onSessionChangeElsewhere,
  seemsSignedIn,
} from '../assets/js/api/session.js';
import { element } from '../assets/js/dom.js';
import { clearErrors, onSubmit, say } from '../assets/js/forms.js';

const form = document.getElementById('sign-in');
const already = document.getElementById('already');
const button = form.querySelector('[type=submit]');

onSubmit(form, signIn, explain);
onSessionChangeElsewhere(begin);
begin();

async function signIn({ uid, password }) {
  const { data } = await request('/api/authenticate', {
    method: 'POST',
    body: { uid: uid.trim(), password },
  });
  noteSignedIn(data.user);
  location.replace(nextAddress()); // "Back" should not return to a form that is done with
}

function explain(error) {
  if (error.status === 429 && error.retryAfter) {
    countDown(error.retryAfter);
    return true;
  }
  if (error.status !== 401) return null;
  form.elements.password.select();
  return 'Wrong ID or password. Check both and try again; if you forgot it, your teacher can give you a new code.';
}

/** Says how long to wait, second by second for the eye, once for a screen reader. */
function countDown(seconds) {
  let left = seconds;
  const clock = element('span', { 'aria-hidden': 'true' }, duration(left));
  const spoken = element('span', { class: 'visually-hidden' }, duration(left));
  say(form, 'Too many attempts. Try again in ', 'error', clock, spoken, '.');
  button.disabled = true;
  const timer = setInterval(() => {
    left -= 1;
    clock.textContent = duration(left);
    if (left > 0) return;
    end();
    say(form, 'You can try again now.', 'success');
  }, 1000);
  // The next one at a shared computer has an ID of their own, and need not wait.
  form.elements.uid.addEventListener('input', end, { once: true });

  function end() {
    clearInterval(timer);
    form.elements.uid.removeEventListener('input', end);
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
  const typed = form.elements.uid.value || form.elements.password.value;
  form.hidden = Boolean(user) && !typed;
  already.hidden = !form.hidden;
  if (already.hidden) return;
  document.getElementById('already-name').textContent = user.name;
  document.getElementById('already-next').href = nextAddress();
  document.getElementById('already-out').addEventListener('click', signOut);
}

async function signOut() {
  try {
    await request('/api/authenticate', { method: 'DELETE' });
  } catch (error) {
    document.getElementById('already-error').textContent = advice(error);
    return;
  }
  noteSignedOut();
  already.hidden = true;
  form.hidden = false;
  form.elements.uid.focus();
}
