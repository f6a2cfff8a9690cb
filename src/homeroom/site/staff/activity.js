// What happened lately: one line for each event, or for several that are one act.

import { nextCursor, request } from '../assets/js/api/client.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { portfolioAddress } from '../assets/js/components/person.js';
import { projectAddress } from '../assets/js/components/project-card.js';
import { byId, element, personal, within } from '../assets/js/dom.js';
import { pieces } from '../assets/js/texts.js';
import { ago, exactly } from '../assets/js/times.js';

const PAGE_SIZE = 100;
const LINES_AT_ONCE = 10;

const list = byId('activity');
const more = byId('activity-more');

/** @type {Api.Activity[]} */
let events = [];
/** @type {string | null} */
let cursor = null;
let lines = 0;

export function initActivity() {
  more.addEventListener('click', showMore);
}

/** The latest, from the beginning. */
export async function showActivity() {
  events = [];
  cursor = null;
  lines = LINES_AT_ONCE;
  await load();
}

async function showMore() {
  const before = list.children.length;
  lines += LINES_AT_ONCE;
  await load();
  const first = list.children[before];
  if (first) within(first, 'a').focus();
}

/** Shows so many lines, and asks for further events only where those at hand are too few. */
async function load() {
  try {
    let acts = actsOf(events);
    while ((acts.length <= lines && cursor) || !events.length) {
      const { data, headers } = await request(`/api/activity?${question()}`);
      events.push(...data);
      cursor = nextCursor(headers);
      acts = actsOf(events);
      if (!data.length) break;
    }
    list.replaceChildren(...acts.slice(0, lines).map(line));
    more.hidden = acts.length <= lines;
    byId('activity-empty').hidden = acts.length > 0;
    clearFailure(byId('activity-failure'));
  } catch (error) {
    showFailure(byId('activity-failure'), error, { retry: load, heading: 'h3' });
  }
}

function question() {
  return new URLSearchParams({ limit: String(PAGE_SIZE), ...(cursor && { cursor }) });
}

/**
 * Neighbours that somebody did in one go: pictures of one project, the accounts of one import.
 *
 * @param {Api.Activity[]} all
 */
function actsOf(all) {
  /** @type {Act[]} */
  const acts = [];
  for (const event of all) {
    const last = acts.at(-1);
    if (last && isSameAct(last[0], event)) last.push(event);
    else acts.push([event]);
  }
  return acts;
}

/**
 * @param {Api.Activity} one
 * @param {Api.Activity} other
 */
function isSameAct(one, other) {
  if (one.kind !== other.kind) return false;
  if (one.kind === 'picture_added') return one.project?.id === other.project?.id;
  return one.kind === 'account_made' && one.at.slice(0, 16) === other.at.slice(0, 16);
}

/** @param {Act} act */
function line(act) {
  const [{ kind, at }] = act;
  const time = new Date(at);
  return element(
    'li',
    { class: `event ${kind}` },
    element('p', {}, ...SAID[kind](act)),
    element('time', { datetime: at, title: exactly(time) }, ago(time)),
  );
}

/** @typedef {[Api.Activity, ...Api.Activity[]]} Act one event, or several that are one act */

/** @type {Record<Api.Activity['kind'], (act: Act) => (Node | string)[]>} */
const SAID = {
  account_made: ([{ user }, ...others]) =>
    others.length
      ? pieces('activity.accounts_made', { person: personLink(user), count: others.length })
      : pieces('activity.account_made', { person: personLink(user) }),
  account_waits: ([{ user }]) => pieces('activity.account_waits', { person: personLink(user) }),
  project_made: ([event]) => pieces('activity.project_made', linksOf(event)),
  project_changed: ([event]) => pieces('activity.project_changed', linksOf(event)),
  project_hidden: ([event]) =>
    pieces('activity.project_hidden', { ...linksOf(event), reason: personal(event.reason ?? '') }),
  picture_added: (act) => pieces('activity.picture_added', { ...linksOf(act[0]), count: act.length }),
  portrait_chosen: ([{ user }]) => pieces('activity.portrait_chosen', { person: personLink(user) }),
};

/** @param {Api.Activity} event */
function linksOf({ user, project }) {
  return { person: personLink(user), project: projectLink(project) };
}

/** @param {Api.Activity['user']} user */
function personLink({ name, uid }) {
  return element('a', { href: portfolioAddress(uid) }, personal(name));
}

/** @param {Api.Activity['project']} project */
function projectLink(project) {
  if (!project) return '';
  const { id, title } = project;
  return element('a', { href: projectAddress(id) }, personal(title));
}
