// The account page: who am I, my picture, name, password and sessions, my data and its end.

import '../assets/js/components/confirmation.js';
import '../assets/js/components/password-field.js';
import { advice, request, requestFile } from '../assets/js/api/client.js';
import { whoAmI } from '../assets/js/api/me.js';
import { noteSignedOut, onSessionChangeElsewhere, root, signInAddress } from '../assets/js/api/session.js';
import { askInDialog } from '../assets/js/components/dialog.js';
import { headline } from '../assets/js/components/failure.js';
import { initOwnPicture, showOwnPicture } from '../assets/js/components/own-picture.js';
import { showSessions } from '../assets/js/components/session-list.js';
import { element } from '../assets/js/dom.js';
import { field, markField, onSubmit, passwordIsRight, say } from '../assets/js/forms.js';
import { sized } from '../assets/js/sizes.js';

const profile = document.getElementById('profile');
const password = document.getElementById('password-form');
const sessions = document.getElementById('sessions');
const exporting = document.getElementById('export');

let me = null;

onSubmit(profile, saveProfile);
onSubmit(password, changePassword, explainPassword);
onSubmit(sessions, endEverySession);
onSubmit(exporting, download);
initOwnPicture();
document.getElementById('delete').addEventListener('click', askToDelete);
document.getElementById('retry').addEventListener('click', load);
onSessionChangeElsewhere(load);
load();

async function load() {
  const content = document.getElementById('account');
  const failure = document.getElementById('failure');
  try {
    show(await whoAmI());
    showSessions(document.getElementById('session-list'));
    showRoom();
    content.hidden = false;
    failure.hidden = true;
  } catch (error) {
    content.hidden = true;
    explain(error);
    failure.hidden = false;
  } finally {
    document.getElementById('loading').hidden = true;
  }
}

/** It is a hint: without it the page is as good. */
async function showRoom() {
  const room = document.getElementById('room');
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

function show(user) {
  me = user;
  const born = user.dob && new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeZone: 'UTC' });
  const facts = {
    'fact-name': user.name,
    'fact-uid': user.uid,
    'fact-role': user.role,
    'fact-dob': born ? born.format(new Date(user.dob)) : 'Not given',
    'fact-email': user.email ?? 'Not given',
  };
  for (const [id, text] of Object.entries(facts)) document.getElementById(id).textContent = text;
  document.getElementById('pending').hidden = user.status !== 'pending';
  showOwnPicture(user);
  profile.elements.name.value = user.name;
  profile.elements.email.value = user.email ?? '';
  password.elements.username.value = user.uid;
}

function explain(error) {
  const unsigned = error.status === 401;
  document.getElementById('failure-title').textContent = headline(error);
  document.getElementById('failure-advice').textContent = advice(error);
  const link = document.getElementById('failure-sign-in');
  link.href = signInAddress();
  link.hidden = !unsigned;
  document.getElementById('retry').hidden = unsigned;
}

async function saveProfile({ name, email }) {
  const body = { name: name.trim(), email: email.trim() || null };
  show((await request('/api/user', { method: 'PUT', body })).data);
  say(profile, 'Saved.', 'success');
}

async function changePassword(values) {
  if (!passwordIsRight(password, me.uid)) return;
  await request('/api/user', {
    method: 'PUT',
    body: { password: values.password, current_password: values.current_password },
  });
  password.reset();
  say(password, 'Password changed. You are signed out everywhere else.', 'success');
}

function explainPassword(error) {
  if (error.status !== 403) return null;
  markField(password, 'current_password', 'This is not your current password.');
  return true;
}

async function endEverySession(_values) {
  const { data } = await request('/api/sessions', { method: 'DELETE' });
  const count = data.ended === 1 ? '1 session' : `${data.ended} sessions`;
  sayGoodbye(`Signed out everywhere: ${count} ended.`, ['login/', 'Sign in']);
}

/** The page's content gives way to one sentence: what it showed is no longer ours to see. */
function sayGoodbye(text, [path, label]) {
  noteSignedOut();
  const done = element('p', { class: 'lead', tabindex: '-1' }, text);
  const next = element('a', { class: 'button', href: new URL(path, root).href }, label);
  document.querySelector('main').replaceChildren(done, next);
  done.focus();
}

/** By script, for a cookie of another site is not sent along where a link leads. */
async function download(_values) {
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
    fields: [
      field({
        name: 'current_password',
        label: 'Your password',
        type: 'password',
        required: '',
        autocomplete: 'current-password',
        'data-missing': 'Enter your password.',
      }),
    ],
    send: (body) => request(`/api/users/${me.id}`, { method: 'DELETE', body }),
    explain: (error) => (error.status === 403 && !error.errors.length ? error.detail : null),
  });
  if (deleted) sayGoodbye('Your account is deleted.', ['./', 'To the start']);
}
