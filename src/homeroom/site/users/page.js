// The users page: the lesson's table, with search, sorting and pages.

import { ApiError, advice, nextCursor as cursorIn, request, totalIn } from '../assets/js/api/client.js';
import { noteSignedIn, onSessionChangeElsewhere, signInAddress } from '../assets/js/api/session.js';
import { dressPerson } from '../assets/js/components/person.js';
import { fromTemplate, isolated } from '../assets/js/dom.js';

const PAGE_SIZE = 50;
const SORTS = ['name', '-name', 'uid', '-uid'];
const TYPING_PAUSE_MS = 250;

const byId = (id) => document.getElementById(id);
const table = byId('users');
const result = byId('result');
const search = byId('search');
const next = byId('next');
const previous = byId('previous');

// What is asked for; `cursors` leads to this page: empty on the first, one more with each next.
const asked = fromAddress();
let nextCursor = null;
let running = new AbortController();
let typing;

search.elements.q.value = asked.q;
search.addEventListener('submit', (event) => {
  event.preventDefault();
  searchNow();
});
search.elements.q.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(searchNow, TYPING_PAUSE_MS);
});
for (const button of table.querySelectorAll('[data-sort]')) {
  button.addEventListener('click', () => sortBy(button.dataset.sort));
}
next.addEventListener('click', () => turnPage([...asked.cursors, nextCursor]));
previous.addEventListener('click', () => turnPage(asked.cursors.slice(0, -1)));
byId('retry').addEventListener('click', load);
byId('clear-search').addEventListener('click', () => {
  search.elements.q.value = '';
  search.elements.q.focus();
  searchNow();
});
// Signed out in another tab: the class's names leave the screen of this one as well.
onSessionChangeElsewhere(load);
load();

function fromAddress() {
  const address = new URLSearchParams(location.search);
  const sort = address.get('sort');
  return {
    q: address.get('q') ?? '',
    sort: SORTS.includes(sort) ? sort : 'name',
    cursors: history.state?.cursors ?? [],
  };
}

/** Keeps search and order in the address, and the page in the history's entry, for a reload. */
function toAddress() {
  const address = new URL(location.href);
  address.search = '';
  if (asked.q) address.searchParams.set('q', asked.q);
  if (asked.sort !== 'name') address.searchParams.set('sort', asked.sort);
  history.replaceState({ cursors: asked.cursors }, '', address);
}

function searchNow() {
  clearTimeout(typing);
  const q = search.elements.q.value.trim();
  if (q === asked.q) return;
  Object.assign(asked, { q, cursors: [] });
  load();
}

function sortBy(column) {
  Object.assign(asked, { sort: asked.sort === column ? `-${column}` : column, cursors: [] });
  load();
}

async function turnPage(cursors) {
  asked.cursors = cursors;
  await load();
  table.scrollIntoView({ block: 'nearest' });
  // A button that has just been disabled would drop the focus to the top of the page.
  if (next.disabled) previous.focus();
  else if (previous.disabled) next.focus();
}

/** Asks for the page that is wanted now; an older question that is still open is called off. */
async function load() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  toAddress();
  showSort();
  byId('listing').setAttribute('aria-busy', 'true');
  try {
    const answer = await request(`/api/users/?${question()}`, { signal });
    if (signal.aborted) return;
    noteSignedIn();
    showUsers(answer);
  } catch (error) {
    if (signal.aborted) return;
    if (cursorIsRefused(error)) {
      asked.cursors = [];
      await load();
      return;
    }
    showFailure(error);
  }
  byId('listing').removeAttribute('aria-busy');
}

function question() {
  const question = new URLSearchParams({ limit: PAGE_SIZE, sort: asked.sort });
  if (asked.q) question.set('q', asked.q);
  if (asked.cursors.length) question.set('cursor', asked.cursors.at(-1));
  return question;
}

/** A page kept in the history may name a cursor of an older version: then begin again. */
function cursorIsRefused(error) {
  return asked.cursors.length > 0 && [400, 422].includes(error.status);
}

function showUsers({ data: users, headers }) {
  const first = asked.cursors.length * PAGE_SIZE + 1;
  const last = first + users.length - 1;
  nextCursor = cursorIn(headers);
  next.disabled = !nextCursor;
  previous.disabled = !asked.cursors.length;
  byId('pages').hidden = next.disabled && previous.disabled;
  result.replaceChildren(...users.map(row));
  byId('empty-title').textContent = asked.q ? `Nobody matches “${isolated(asked.q)}”` : 'No users yet';
  byId('empty-advice').textContent = asked.q
    ? 'The search looks at the beginning of each name, first or last, and of IDs.'
    : 'They appear here as soon as your teacher has imported the class.';
  byId('clear-search').hidden = !asked.q;
  byId('status').textContent = users.length
    ? `${first}–${last} of ${totalIn(headers)}`
    : byId('empty-title').textContent;
  show(users.length ? 'table' : 'empty');
}

/** One user as a row. `textContent` only: a name that looks like HTML is shown, never run. */
function row(user) {
  const made = fromTemplate('user-row');
  const [name, uid, age] = made.cells;
  dressPerson(name.firstElementChild, user);
  uid.textContent = user.uid;
  age.textContent = user.age ?? '–';
  return made;
}

function showSort() {
  for (const button of table.querySelectorAll('[data-sort]')) {
    const column = button.dataset.sort;
    const order = { [column]: 'ascending', [`-${column}`]: 'descending' }[asked.sort];
    if (order) button.closest('th').setAttribute('aria-sort', order);
    else button.closest('th').removeAttribute('aria-sort');
  }
}

/** The lesson's two messages, word for word, and what to do next. */
function showFailure(error) {
  result.replaceChildren();
  byId('status').textContent = '';
  byId('pages').hidden = true;
  byId('failure-title').textContent =
    error instanceof ApiError ? `Database response error: ${error.status}` : error.message;
  byId('failure-advice').textContent = advice(error);
  byId('failure-sign-in').hidden = error.status !== 401;
  byId('failure-sign-in').href = signInAddress();
  byId('retry').hidden = error.status === 401;
  show('failure');
}

/** One of: the table, the empty state, the failure. The foot's status is always there to be heard. */
function show(part) {
  byId('foot').classList.toggle('visually-hidden', part !== 'table');
  byId('table').hidden = part !== 'table';
  byId('empty').hidden = part !== 'empty';
  byId('failure').hidden = part !== 'failure';
}
