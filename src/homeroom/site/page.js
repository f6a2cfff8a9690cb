// The start page: the latest projects, and the way in or on.

import { isCalledOff, nextCursor, request } from './assets/js/api/client.js';
import { onSessionChange, seemsSignedIn } from './assets/js/api/session.js';
import { clearFailure, showFailure } from './assets/js/components/failure.js';
import { projectCard } from './assets/js/components/project-card.js';
import { byId, within } from './assets/js/dom.js';
import { t } from './assets/js/texts.js';

const PAGE_SIZE = 12;

const list = byId('projects');
const more = byId('more', HTMLButtonElement);

/** @type {string | null} */
let cursor = null;
let running = new AbortController();

more.addEventListener('click', showMore);
onSessionChange(begin);
begin();

function begin() {
  const member = seemsSignedIn();
  byId('latest-title').textContent = member ? t('start.latest_of_class') : t('start.latest');
  cursor = null;
  load();
}

/** Asks for the first page, or for the one after what is shown. */
async function load() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const question = new URLSearchParams({ limit: String(PAGE_SIZE), sort: '-created_at' });
  if (cursor) question.set('cursor', cursor);
  list.setAttribute('aria-busy', 'true');
  try {
    const { data: projects, headers } = await request(`/api/projects/?${question}`, { signal });
    show(projects);
    cursor = nextCursor(headers);
    more.hidden = !cursor;
    clearFailure(byId('failure'));
  } catch (error) {
    if (isCalledOff(error)) return;
    if (!cursor) list.replaceChildren();
    showFailure(byId('failure'), error, { retry: load });
  }
  list.removeAttribute('aria-busy');
}

/** @param {Api.ListedProject[]} projects */
function show(projects) {
  const cards = projects.map((project) => projectCard(project, { author: true }));
  if (cursor) list.append(...cards);
  else list.replaceChildren(...cards);
  list.hidden = !list.children.length;
  byId('empty').hidden = !list.hidden;
  byId('empty-advice').textContent = seemsSignedIn() ? t('start.empty_member') : t('start.empty_guest');
  byId('empty-new').hidden = !seemsSignedIn();
}

async function showMore() {
  const before = list.children.length;
  await load();
  // The reader goes on with the first of the new ones.
  const first = list.children[before];
  if (first) within(first, 'a').focus();
}
