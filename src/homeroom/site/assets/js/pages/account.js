// The account page: who am I, my name and email, my password, my sessions.

import '../components/password-field.js';
import '../components/site-header.js';
import { advice, request } from '../api/client.js';
import {
  noteSignedIn, noteSignedOut, onSessionChangeElsewhere, root, signInAddress,
} from '../api/session.js';
import { element } from '../dom.js';
import { markField, onSubmit, passwordIsRight, say } from '../forms.js';

const profile = document.getElementById('profile');
const password = document.getElementById('password-form');
const sessions = document.getElementById('sessions');

let me = null;

onSubmit(profile, saveProfile);
onSubmit(password, changePassword, explainPassword);
onSubmit(sessions, endEverySession);
document.getElementById('retry').addEventListener('click', load);
onSessionChangeElsewhere(load);
load();

async function load() {
  const content = document.getElementById('account');
  const failure = document.getElementById('failure');
  try {
    show((await request('/api/id')).data);
    noteSignedIn();
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
  profile.elements.name.value = user.name;
  profile.elements.email.value = user.email ?? '';
  password.elements.username.value = user.uid;
}

function explain(error) {
  const unsigned = error.status === 401;
  document.getElementById('failure-title').textContent = unsigned ? 'Please sign in' : error.message;
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
  noteSignedOut();
  const count = data.ended === 1 ? '1 session' : `${data.ended} sessions`;
  const done = element('p', { class: 'lead', tabindex: '-1' }, `Signed out everywhere: ${count} ended.`);
  const again = element('a', { class: 'button', href: new URL('login/', root).href }, 'Sign in');
  document.querySelector('main').replaceChildren(done, again);
  done.focus();
}
