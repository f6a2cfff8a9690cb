// The users page: the lesson's table, with search, sorting and pages.

import { ApiError, nextCursor as cursorIn, request, statusOf, totalIn } from '../assets/js/api/client.js';
import { noteSignedIn, onSessionChangeElsewhere, seemsSignedIn } from '../assets/js/api/session.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { dressPerson } from '../assets/js/components/person.js';
import { byId, fromTemplate, isolated, within } from '../assets/js/dom.js';
import { t } from '../assets/js/texts.js';

const PAGE_SIZE = 50;
const SORTS = ['name', '-name', 'uid', '-uid'];
const TYPING_PAUSE_MS = 250;

const table = byId('users');
const result = byId('result');
const search = byId('search', HTMLFormElement);
const searched = byId('q', HTMLInputElement);
const next = byId('next', HTMLButtonElement);
const previous = byId('previous', HTMLButtonElement);

// What is asked for; `cursors` leads to this page: empty on the first, one more with each next.
const asked = fromAddress();
/** @type {string | null} */
let nextCursor = null;
let running = new AbortController();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

searched.value = asked.q;
search.hidden = !seemsSignedIn();
search.addEventListener('submit', (event) => {
  event.preventDefault();
  searchNow();
});
searched.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(searchNow, TYPING_PAUSE_MS);
});
for (const button of sortButtons()) button.addEventListener('click', () => sortBy(button));
next.addEventListener('click', () => turnPage([...asked.cursors, ...(nextCursor ? [nextCursor] : [])]));
previous.addEventListener('click', () => turnPage(asked.cursors.slice(0, -1)));
byId('clear-search').addEventListener('click', () => {
  searched.value = '';
  searched.focus();
  searchNow();
});
// Signed out in another tab: the class's names leave the screen of this one as well.
onSessionChangeElsewhere(load);
load();

/** @returns {{ q: string, sort: string, cursors: string[] }} */
function fromAddress() {
  const address = new URLSearchParams(location.search);
  const sort = address.get('sort') ?? '';
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
  const q = searched.value.trim();
  if (q === asked.q) return;
  Object.assign(asked, { q, cursors: [] });
  load();
}

/** @param {HTMLElement} button */
function sortBy(button) {
  const { sort: column = 'name' } = button.dataset;
  Object.assign(asked, { sort: asked.sort === column ? `-${column}` : column, cursors: [] });
  load();
}

/** @param {string[]} cursors */
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
    tell(error);
  }
  byId('listing').removeAttribute('aria-busy');
}

function question() {
  const question = new URLSearchParams({ limit: String(PAGE_SIZE), sort: asked.sort });
  if (asked.q) question.set('q', asked.q);
  const cursor = asked.cursors.at(-1);
  if (cursor) question.set('cursor', cursor);
  return question;
}

/**
 * A page kept in the history may name a cursor of an older version: then begin again.
 *
 * @param {unknown} error
 */
function cursorIsRefused(error) {
  return asked.cursors.length > 0 && [400, 422].includes(statusOf(error) ?? 0);
}

/** @param {{ data: Api.ListedUser[], headers: Headers }} answer */
function showUsers({ data: users, headers }) {
  const first = asked.cursors.length * PAGE_SIZE + 1;
  const last = first + users.length - 1;
  nextCursor = cursorIn(headers);
  next.disabled = !nextCursor;
  previous.disabled = !asked.cursors.length;
  byId('pages').hidden = next.disabled && previous.disabled;
  result.replaceChildren(...users.map(row));
  byId('empty-title').textContent = asked.q
    ? t('users.no_match', { q: isolated(asked.q) })
    : t('users.empty');
  byId('empty-advice').textContent = asked.q ? t('users.no_match_advice') : t('users.empty_advice');
  byId('clear-search').hidden = !asked.q;
  byId('status').textContent = users.length
    ? t('users.range', { first, last, total: totalIn(headers) })
    : byId('empty-title').textContent;
  clearFailure(byId('failure'));
  search.hidden = false;
  show(users.length ? 'table' : 'empty');
}

/**
 * One user as a row. `textContent` only: a name that looks like HTML is shown, never run.
 *
 * @param {Api.ListedUser} user
 */
function row(user) {
  const made = fromTemplate('user-row', HTMLTableRowElement);
  dressPerson(within(made, '.person'), user);
  within(made, '.uid').textContent = user.uid;
  within(made, '.number').textContent = String(user.age ?? '–');
  return made;
}

/** @returns {NodeListOf<HTMLElement>} */
function sortButtons() {
  return table.querySelectorAll('[data-sort]');
}

function showSort() {
  for (const button of sortButtons()) {
    const { sort: column = '' } = button.dataset;
    const heading = button.closest('th');
    if (asked.sort === column) heading?.setAttribute('aria-sort', 'ascending');
    else if (asked.sort === `-${column}`) heading?.setAttribute('aria-sort', 'descending');
    else heading?.removeAttribute('aria-sort');
  }
}

/**
 * The lesson's two messages, word for word, and what to do next. A guest is no failure: they read what every other
 * page tells them, and have nothing to search.
 *
 * @param {unknown} error
 */
function tell(error) {
  result.replaceChildren();
  byId('status').textContent = '';
  byId('pages').hidden = true;
  const guest = statusOf(error) === 401;
  search.hidden = guest;
  const title = guest ? undefined : lessonsMessage(error);
  showFailure(byId('failure'), error, { retry: load, title });
  show('failure');
}

/** @param {unknown} error */
function lessonsMessage(error) {
  if (error instanceof ApiError) return t('users.database_error', { status: error.status });
  return error instanceof Error ? error.message : String(error);
}

/**
 * One of: the table, the empty state, the failure. The foot's status is always there to be heard.
 *
 * @param {'table' | 'empty' | 'failure'} part
 */
function show(part) {
  byId('foot').classList.toggle('visually-hidden', part !== 'table');
  byId('table').hidden = part !== 'table';
  byId('empty').hidden = part !== 'empty';
  byId('failure').hidden = part !== 'failure';
}
