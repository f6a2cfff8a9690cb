// The staff's page: the class at a glance, hidden projects; for admins also roster, roles and codes.

import '../assets/js/components/confirmation.js';
import { refusal, request } from '../assets/js/api/client.js';
import { whoAmI } from '../assets/js/api/me.js';
import { isStaff, onSessionChangeElsewhere } from '../assets/js/api/session.js';
import { DayChart } from '../assets/js/components/day-chart.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { byId, element } from '../assets/js/dom.js';
import { sized } from '../assets/js/sizes.js';
import { initActivity, showActivity } from './activity.js';
import { initCodes } from './codes.js';
import { showHidden } from './hidden.js';
import { initPeople } from './people.js';
import { initRoster } from './roster.js';

initRoster(load);
initActivity();
initPeople();
initCodes();
onSessionChangeElsewhere(load);
load();

async function load() {
  try {
    const me = await whoAmI();
    if (!isStaff(me)) throw refusal(403, 'It is for teachers and administrators.');
    const { data } = await request('/api/overview');
    showOverview(data);
    for (const part of document.querySelectorAll('.for-admins')) {
      part.toggleAttribute('hidden', me.role !== 'Admin');
    }
    clearFailure(byId('failure'));
    byId('staff').hidden = false;
    showHidden();
    showActivity();
  } catch (error) {
    byId('staff').hidden = true;
    showFailure(byId('failure'), error, { retry: load });
  }
  byId('loading').hidden = true;
}

/** @param {Api.Overview} overview */
function showOverview({ users, projects, storage_bytes: bytes, max_storage_bytes: most, ...days }) {
  const { draft, hidden } = projects;
  byId('stats').replaceChildren(
    stat(
      'Have joined',
      users.active,
      listed([
        [users.invited, 'invited'],
        [users.pending, 'waiting to be admitted'],
      ]) || 'nobody is missing',
    ),
    stat(
      'Projects',
      draft + projects.class + projects.public,
      listed([
        [projects.public, 'public'],
        [projects.class, 'for the class'],
        [draft, 'in draft'],
        [hidden, 'hidden'],
      ]) || 'none yet',
    ),
    stat('Pictures take', sized(bytes), `of ${sized(most)} on the server’s disk`),
  );
  showCharts(days, bytes);
}

/**
 * @param {Pick<Api.Overview, 'projects_by_day' | 'users_by_day' | 'storage_by_day'>} days
 * @param {number} bytes
 */
function showCharts({ projects_by_day: projects, users_by_day: users, storage_by_day: storage }, bytes) {
  byId('new-projects', DayChart).show({
    title: 'New projects',
    days: projects,
    summary: counted('New projects', projects),
    empty: `Nobody has begun a project in the last ${projects.length} days.`,
  });
  byId('new-accounts', DayChart).show({
    title: 'New accounts',
    days: users,
    summary: counted('New accounts', users),
    empty: `No account was made in the last ${users.length} days.`,
  });
  byId('storage', DayChart).show({
    title: 'Room that pictures take',
    days: storage,
    written: sized,
    drawing: 'line',
    summary: `Room that pictures take: ${sized(storage[0].count)} ${storage.length} days ago, ${sized(bytes)} now.`,
    empty: 'There are no pictures yet.',
  });
}

/**
 * @param {string} title
 * @param {Api.DayCount[]} days
 */
function counted(title, days) {
  const total = days.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(...days.map(({ count }) => count));
  return `${title}: ${total} in ${days.length} days, at most ${most} in one.`;
}

/**
 * @param {string} title
 * @param {string | number} figure
 * @param {string} note
 */
function stat(title, figure, note) {
  return element(
    'div',
    { class: 'panel stat' },
    element('h2', {}, title),
    element('p', { class: 'figure' }, String(figure)),
    element('p', { class: 'hint' }, note),
  );
}

/**
 * "7 public, 1 hidden"; what there is none of goes without saying.
 *
 * @param {[number, string][]} counts
 */
function listed(counts) {
  return counts
    .filter(([count]) => count)
    .map(([count, words]) => `${count} ${words}`)
    .join(', ');
}
