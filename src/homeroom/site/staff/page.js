// The staff's page: the class at a glance, hidden projects; for admins also roster, roles and codes.

import '../assets/js/components/confirmation.js';
import { refusal, request } from '../assets/js/api/client.js';
import { whoAmI } from '../assets/js/api/me.js';
import { isStaff, onSessionChangeElsewhere } from '../assets/js/api/session.js';
import { DayChart } from '../assets/js/components/day-chart.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { byId, element } from '../assets/js/dom.js';
import { sized } from '../assets/js/sizes.js';
import { numeral, t } from '../assets/js/texts.js';
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
    if (!isStaff(me)) throw refusal(403, t('staff.only_staff'));
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
      t('staff.joined'),
      users.active,
      listed([
        [users.invited, (count) => t('staff.invited', { count })],
        [users.pending, (count) => t('staff.waiting', { count })],
      ]) || t('staff.nobody_missing'),
    ),
    stat(
      t('portfolio.projects'),
      draft + projects.class + projects.public,
      listed([
        [projects.public, (count) => t('staff.public', { count })],
        [projects.class, (count) => t('staff.for_class', { count })],
        [draft, (count) => t('staff.draft', { count })],
        [hidden, (count) => t('staff.hidden_count', { count })],
      ]) || t('staff.none_yet'),
    ),
    stat(t('staff.storage'), sized(bytes), t('staff.storage_of', { room: sized(most) })),
  );
  showCharts(days, bytes);
}

/**
 * @param {Pick<Api.Overview, 'projects_by_day' | 'users_by_day' | 'storage_by_day'>} days
 * @param {number} bytes
 */
function showCharts({ projects_by_day: projects, users_by_day: users, storage_by_day: storage }, bytes) {
  byId('new-projects', DayChart).show({
    title: t('staff.new_projects'),
    days: projects,
    summary: counted(t('staff.new_projects'), projects),
    empty: t('staff.no_new_projects', { days: projects.length }),
  });
  byId('new-accounts', DayChart).show({
    title: t('staff.new_accounts'),
    days: users,
    summary: counted(t('staff.new_accounts'), users),
    empty: t('staff.no_new_accounts', { days: users.length }),
  });
  byId('storage', DayChart).show({
    title: t('staff.room'),
    days: storage,
    written: sized,
    drawing: 'line',
    summary: t('staff.room_summary', {
      before: sized(storage[0].count),
      days: storage.length,
      now: sized(bytes),
    }),
    empty: t('staff.no_pictures'),
  });
}

/**
 * @param {string} title
 * @param {Api.DayCount[]} days
 */
function counted(title, days) {
  const total = days.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(...days.map(({ count }) => count));
  return t('staff.chart_summary', { title, total, days: days.length, most });
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
    element('p', { class: 'figure' }, typeof figure === 'number' ? numeral(figure) : figure),
    element('p', { class: 'hint' }, note),
  );
}

/**
 * "7 public, 1 hidden"; what there is none of goes without saying.
 *
 * @param {[number, (count: number) => string][]} counts
 */
function listed(counts) {
  return counts
    .filter(([count]) => count)
    .map(([count, worded]) => worded(count))
    .join(', ');
}
