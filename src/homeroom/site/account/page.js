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
import { roleName } from '../assets/js/roles.js';
import { sized } from '../assets/js/sizes.js';
import { locale, t } from '../assets/js/texts.js';

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
initOwnPicture(showRoom);
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
    room.textContent = t('account.room', {
      used: sized(data.bytes),
      room: sized(data.max_bytes),
      pictures: data.pictures,
      most: data.max_pictures,
    });
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
  byId('fact-role').textContent = roleName(user.role);
  byId('fact-dob').textContent = user.dob ? birthday(user.dob) : t('account.not_given');
  byId('fact-email').textContent = user.email ?? t('account.not_given');
  byId('pending').hidden = user.status !== 'pending';
  showOwnPicture(user);
  fieldOf(profile, 'name').value = user.name;
  fieldOf(profile, 'email').value = user.email ?? '';
  fieldOf(password, 'username').value = user.uid;
}

/** @param {string} day */
function birthday(day) {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(day));
}

/** @param {Record<string, string>} values */
async function saveProfile({ name, email }) {
  const body = { name: name.trim(), email: email.trim() || null };
  show((await request('/api/user', { method: 'PUT', body })).data);
  say(profile, t('common.saved'), 'success');
}

/** @param {Record<string, string>} values */
async function changePassword(values) {
  if (!passwordIsRight(password, me.uid)) return;
  await request('/api/user', {
    method: 'PUT',
    body: { password: values.password, current_password: values.current_password },
  });
  password.reset();
  say(password, t('account.password_changed'), 'success');
}

/** @type {import('../assets/js/forms.js').Explain} */
function explainPassword(error) {
  if (statusOf(error) !== 403) return null;
  markField(password, 'current_password', t('account.current_wrong'));
  return true;
}

async function endEverySession() {
  const { data } = await request('/api/sessions', { method: 'DELETE' });
  sayGoodbye(t('account.all_ended', { count: data.ended }), ['login/', t('common.sign_in')]);
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
  say(exporting, t('account.collecting'), 'success');
  const href = URL.createObjectURL(await requestFile('/api/id/export'));
  const link = element('a', { href, download: `homeroom-${me.uid}.zip` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
  say(exporting, t('account.downloaded'), 'success');
}

async function askToDelete() {
  const deleted = await askInDialog({
    title: t('account.delete_question'),
    intro: [t('account.delete_all'), t('account.delete_export')],
    action: t('account.delete'),
    danger: true,
    fields: [currentPasswordField()],
    send: ({ current_password }) =>
      request(`/api/users/${me.id}`, { method: 'DELETE', body: { current_password } }),
    explain: explainWrongPassword,
  });
  if (deleted) sayGoodbye(t('account.deleted'), ['./', t('common.home')]);
}
