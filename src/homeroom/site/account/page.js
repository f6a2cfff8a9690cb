// The account page: who am I, my picture, name, password and sessions, my data and its end.

import '../assets/js/components/confirmation.js';
import '../assets/js/components/password-field.js';
import { request, requestFile, statusOf } from '../assets/js/api/client.js';
import { whoAmI } from '../assets/js/api/me.js';
import { noteSignedOut, onSessionChangeElsewhere, root } from '../assets/js/api/session.js';
import { askInDialog, currentPasswordField, explainWrongPassword } from '../assets/js/components/dialog.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { initOwnPicture, showOwnPicture } from '../assets/js/components/own-picture.js';
import { showSessions } from '../assets/js/components/session-list.js';
import { byId, element } from '../assets/js/dom.js';
import { fieldOf, markField, onSubmit, passwordIsRight, say } from '../assets/js/forms.js';
import { sized } from '../assets/js/sizes.js';

const profile = byId('profile', HTMLFormElement);
const password = byId('password-form', HTMLFormElement);
const sessions = byId('sessions', HTMLFormElement);
const exporting = byId('export', HTMLFormElement);

/** Who is signed in; nobody until the API has said it, and until then no form is shown. */
let me = { id: 0, uid: '' };

onSubmit(profile, saveProfile);
onSubmit(password, changePassword, explainPassword);
onSubmit(sessions, endEverySession);
onSubmit(exporting, download);
initOwnPicture();
byId('delete').addEventListener('click', askToDelete);
onSessionChangeElsewhere(load);
load();

async function load() {
  try {
    show(await whoAmI());
    showSessions(byId('session-list'));
    showRoom();
    clearFailure(byId('failure'));
    byId('account').hidden = false;
  } catch (error) {
    byId('account').hidden = true;
    showFailure(byId('failure'), error, { retry: load });
  }
  byId('loading').hidden = true;
}

/** It is a hint: without it the page is as good. */
async function showRoom() {
  const room = byId('room');
  try {
    const { data } = await request('/api/uploads/usage');
    room.textContent =
      `Your pictures take ${sized(data.bytes)} of ${sized(data.max_bytes)}; ` +
      `you have ${data.pictures} of ${data.max_pictures}.`;
    room.hidden = false;
  } catch {
    room.hidden = true;
  }
}

/** @param {Api.User} user */
function show(user) {
  me = user;
  byId('fact-name').textContent = user.name;
  byId('fact-uid').textContent = user.uid;
  byId('fact-role').textContent = user.role;
  byId('fact-dob').textContent = user.dob ? birthday(user.dob) : 'Not given';
  byId('fact-email').textContent = user.email ?? 'Not given';
  byId('pending').hidden = user.status !== 'pending';
  showOwnPicture(user);
  fieldOf(profile, 'name').value = user.name;
  fieldOf(profile, 'email').value = user.email ?? '';
  fieldOf(password, 'username').value = user.uid;
}

/** @param {string} day */
function birthday(day) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(day));
}

/** @param {Record<string, string>} values */
async function saveProfile({ name, email }) {
  const body = { name: name.trim(), email: email.trim() || null };
  show((await request('/api/user', { method: 'PUT', body })).data);
  say(profile, 'Saved.', 'success');
}

/** @param {Record<string, string>} values */
async function changePassword(values) {
  if (!passwordIsRight(password, me.uid)) return;
  await request('/api/user', {
    method: 'PUT',
    body: { password: values.password, current_password: values.current_password },
  });
  password.reset();
  say(password, 'Password changed. You are signed out everywhere else.', 'success');
}

/** @type {import('../assets/js/forms.js').Explain} */
function explainPassword(error) {
  if (statusOf(error) !== 403) return null;
  markField(password, 'current_password', 'This is not your current password.');
  return true;
}

async function endEverySession() {
  const { data } = await request('/api/sessions', { method: 'DELETE' });
  const count = data.ended === 1 ? '1 session' : `${data.ended} sessions`;
  sayGoodbye(`Signed out everywhere: ${count} ended.`, ['login/', 'Sign in']);
}

/**
 * The page's content gives way to one sentence: what it showed is no longer ours to see.
 *
 * @param {string} text
 * @param {[string, string]} next
 */
function sayGoodbye(text, [path, label]) {
  noteSignedOut();
  const done = element('p', { class: 'lead', tabindex: '-1' }, text);
  const next = element('a', { class: 'button', href: new URL(path, root).href }, label);
  byId('main').replaceChildren(done, next);
  done.focus();
}

/** By script, for a cookie of another site is not sent along where a link leads. */
async function download() {
  say(exporting, 'Collecting your data …', 'success');
  const href = URL.createObjectURL(await requestFile('/api/id/export'));
  const link = element('a', { href, download: `homeroom-${me.uid}.zip` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
  say(exporting, 'Your data is in your downloads.', 'success');
}

async function askToDelete() {
  const deleted = await askInDialog({
    title: 'Delete your account?',
    intro: [
      'Your account, all your projects and your pictures are deleted. Nobody can bring them back.',
      'Download your data first if you want to keep it.',
    ],
    action: 'Delete my account',
    danger: true,
    fields: [currentPasswordField()],
    send: ({ current_password }) =>
      request(`/api/users/${me.id}`, { method: 'DELETE', body: { current_password } }),
    explain: explainWrongPassword,
  });
  if (deleted) sayGoodbye('Your account is deleted.', ['./', 'To the start']);
}
