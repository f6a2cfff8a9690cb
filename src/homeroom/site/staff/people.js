// People for admins: find somebody, give a role, admit them, make a new code.

import { isCalledOff, nextCursor, request, totalIn } from '../assets/js/api/client.js';
import { askInDialog } from '../assets/js/components/dialog.js';
import { advice, clearFailure, showFailure } from '../assets/js/components/failure.js';
import { dressPerson } from '../assets/js/components/person.js';
import { byId, element, isolated, personal } from '../assets/js/dom.js';
import { field, fieldOf } from '../assets/js/forms.js';
import { roleName } from '../assets/js/roles.js';
import { pieces, t } from '../assets/js/texts.js';

const SHOWN = 10;
const TYPING_PAUSE_MS = 250;
/** @type {Api.Role[]} */
const ROLES = ['User', 'Teacher', 'Admin'];

const form = byId('people-search', HTMLFormElement);
const searched = fieldOf(form, 'q');

let running = new AbortController();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

export function initPeople() {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    search();
  });
  form.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(search, TYPING_PAUSE_MS);
  });
}

async function search() {
  clearTimeout(typing);
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const q = searched.value.trim();
  if (!q) {
    byId('people').replaceChildren();
    byId('people-told').textContent = '';
    return;
  }
  try {
    const question = new URLSearchParams({ q, limit: String(SHOWN) });
    const { data: users, headers } = await request(`/api/users/?${question}`, { signal });
    byId('people').replaceChildren(...users.map(row));
    byId('people-told').textContent = nextCursor(headers)
      ? t('people.first', { count: users.length, total: totalIn(headers) })
      : t('people.found', { count: users.length });
    clearFailure(byId('people-failure'));
  } catch (error) {
    if (isCalledOff(error)) return;
    showFailure(byId('people-failure'), error, { retry: search });
  }
}

/** @param {Api.ListedUser} user */
function row(user) {
  const person = element('a', { class: 'person' });
  dressPerson(person, user);
  const uid = element('span', { class: 'hint' }, ...pieces('codes.uid', { uid: personal(user.uid) }));
  const made = element('li', {}, element('div', { class: 'grow' }, person, uid), roleSelect(user));
  if (user.status === 'pending') made.append(button(t('people.admit'), user, () => admit(user)));
  made.append(button(t('people.new_code'), user, () => newCode(user)));
  return made;
}

/**
 * Two people of a class may have the same name: the ID tells them apart.
 *
 * @param {Api.ListedUser} user
 */
function named({ name, uid }) {
  return t('people.named', { name: isolated(name), uid: isolated(uid) });
}

/** @param {Api.ListedUser} user */
function roleSelect(user) {
  const select = element(
    'select',
    { 'aria-label': t('people.role_of', { name: named(user) }) },
    ...ROLES.map((role) => element('option', { value: role }, roleName(role))),
  );
  select.value = user.role;
  select.addEventListener('change', () => changeRole(user, select));
  return select;
}

/**
 * @param {string} label
 * @param {Api.ListedUser} user
 * @param {() => unknown} act
 */
function button(label, user, act) {
  const made = element(
    'button',
    {
      class: 'button quiet small',
      type: 'button',
      'aria-label': t('people.button', { action: label, name: named(user) }),
    },
    label,
  );
  made.addEventListener('click', act);
  return made;
}

/**
 * A role is power over others: it is given only after a second look.
 *
 * @param {Api.ListedUser} user
 * @param {HTMLSelectElement} select
 */
async function changeRole(user, select) {
  const role = /** @type {Api.Role} */ (select.value);
  const name = named(user);
  const { question, power, done } = {
    User: {
      question: t('people.make_user', { name }),
      power: t('people.user_may'),
      done: t('people.is_user', { name }),
    },
    Teacher: {
      question: t('people.make_teacher', { name }),
      power: t('people.teacher_may'),
      done: t('people.is_teacher', { name }),
    },
    Admin: {
      question: t('people.make_admin', { name }),
      power: t('people.admin_may'),
      done: t('people.is_admin', { name }),
    },
  }[role];
  const given = await askInDialog({
    title: question,
    intro: [power],
    action: t('people.change_role'),
    send: () => request(`/api/users/${user.id}`, { method: 'PATCH', body: { role } }),
  });
  if (given) user.role = role;
  select.value = user.role;
  if (given) byId('people-told').textContent = done;
}

/** @param {Api.ListedUser} user */
async function admit(user) {
  try {
    await request(`/api/users/${user.id}/admission`, { method: 'POST' });
    await search();
    byId('people-told').textContent = t('people.admitted', { name: named(user) });
  } catch (error) {
    byId('people-told').textContent = advice(error);
  }
  searched.focus();
}

/** @param {Api.ListedUser} user */
async function newCode(user) {
  const made = await askInDialog({
    title: t('people.code_question', { name: named(user) }),
    intro: [t('people.code_intro')],
    action: t('people.code_action'),
    send: () => request(`/api/users/${user.id}/join-code`, { method: 'POST' }),
  });
  if (!made) return;
  await askInDialog({
    title: t('people.code_title', { name: named(user) }),
    intro: [t('people.code_advice')],
    fields: [
      field({ name: 'code', label: t('common.code'), value: made.data.code, readonly: '', class: 'code' }),
    ],
    action: t('common.done'),
    leave: null,
    send: () => true,
  });
}
