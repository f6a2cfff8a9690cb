// People for admins: find somebody, give a role, admit them, make a new code.

import { isCalledOff, nextCursor, request, totalIn } from '../assets/js/api/client.js';
import { askInDialog } from '../assets/js/components/dialog.js';
import { advice, clearFailure, showFailure } from '../assets/js/components/failure.js';
import { dressPerson } from '../assets/js/components/person.js';
import { byId, element, isolated } from '../assets/js/dom.js';
import { field, fieldOf } from '../assets/js/forms.js';

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
      ? `The first ${users.length} of ${totalIn(headers)}: type more to find the others.`
      : `${users.length} found.`;
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
  const made = element('li', {}, element('div', { class: 'grow' }, person), roleSelect(user));
  if (user.status === 'pending') made.append(button('Admit', user, () => admit(user)));
  made.append(button('New code', user, () => newCode(user)));
  return made;
}

/** @param {Api.ListedUser} user */
function roleSelect(user) {
  const select = element(
    'select',
    { 'aria-label': `Role of ${isolated(user.name)}` },
    ...ROLES.map((role) => element('option', { value: role }, role)),
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
      'aria-label': `${label}: ${isolated(user.name)}`,
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
  const given = await askInDialog({
    title: `Make ${isolated(user.name)} ${role === 'User' ? 'a user' : `a${role === 'Admin' ? 'n' : ''} ${role}`}?`,
    intro: [
      {
        User: 'Users see the class and keep their own portfolio.',
        Teacher: 'Teachers see every project and can hide one.',
        Admin: 'Admins may do everything: dates of birth, roster, roles, accounts.',
      }[role],
    ],
    action: 'Give this role',
    send: () => request(`/api/users/${user.id}`, { method: 'PATCH', body: { role } }),
  });
  if (given) user.role = role;
  select.value = user.role;
  if (given) byId('people-told').textContent = `${isolated(user.name)} is ${role} now.`;
}

/** @param {Api.ListedUser} user */
async function admit(user) {
  try {
    await request(`/api/users/${user.id}/admission`, { method: 'POST' });
    await search();
    byId('people-told').textContent = `${isolated(user.name)} is admitted.`;
  } catch (error) {
    byId('people-told').textContent = advice(error);
  }
  searched.focus();
}

/** @param {Api.ListedUser} user */
async function newCode(user) {
  const made = await askInDialog({
    title: `A new code for ${isolated(user.name)}?`,
    intro: ['It lets them choose a new password, once. Their old code stops working.'],
    action: 'Make it',
    send: () => request(`/api/users/${user.id}/join-code`, { method: 'POST' }),
  });
  if (!made) return;
  await askInDialog({
    title: `The code of ${isolated(user.name)}`,
    intro: ['Hand it over in person: whoever has it can choose the password, on the page Join.'],
    fields: [field({ name: 'code', label: 'Code', value: made.data.code, readonly: '', class: 'code' })],
    action: 'Done',
    leave: null,
    send: () => true,
  });
}
