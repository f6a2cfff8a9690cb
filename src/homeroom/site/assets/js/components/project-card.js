// A project as a card: its picture, title, summary and tags; the whole card is one link.

import { root } from '../api/session.js';
import { element } from '../dom.js';
import { t } from '../texts.js';
import { dressPerson, tone } from './person.js';
import { cardOf } from './pictures.js';

/** @type {Record<Api.Visibility, string>} */
export const VISIBILITIES = {
  draft: t('visibility.draft'),
  class: t('visibility.class'),
  public: t('visibility.public'),
};

/**
 * A project as a list item. `author` says whose it is, where a page shows those of many.
 *
 * @param {Api.ListedProject} project
 * @param {{ author?: boolean }} [shown]
 */
export function projectCard(project, { author = false } = {}) {
  const link = element('a', { href: projectAddress(project.id) }, project.title);
  const text = element('div', { class: 'project-text' }, element('h3', { dir: 'auto' }, link));
  if (author) text.append(byline(project.author));
  if (project.summary) text.append(element('p', { class: 'summary', dir: 'auto' }, project.summary));
  text.append(tagList(project));
  return element('li', { class: 'project-card' }, cover(project), text);
}

/**
 * Whose it is; a guest gets no picture from the API, and sees initials.
 *
 * @param {Api.Author} author
 */
function byline(author) {
  const made = element('p', { class: 'byline person small' });
  dressPerson(made, author);
  return made;
}

/** @param {number | string} id */
export function projectAddress(id) {
  const address = new URL('project/', root);
  address.searchParams.set('id', String(id));
  return address.href;
}

/** @param {number} [id] a new project without it */
export function editAddress(id) {
  const address = new URL('project/edit/', root);
  if (id) address.searchParams.set('id', String(id));
  return address.href;
}

/**
 * Tags, and before them whatever keeps a project from being seen by all.
 *
 * @param {Api.ListedProject} project
 */
function tagList({ visibility, hidden, tags }) {
  const labels = tags.slice(0, 4).map((tag) => element('li', { class: 'tag', dir: 'auto' }, tag));
  if (visibility !== 'public') {
    labels.unshift(element('li', { class: `tag ${visibility}` }, VISIBILITIES[visibility]));
  }
  if (hidden) labels.unshift(element('li', { class: 'tag hidden' }, t('visibility.hidden')));
  const list = element('ul', { class: 'tags' }, ...labels);
  list.hidden = !labels.length;
  return list;
}

/**
 * The first picture; without one, the title's first letter on the project's own colour.
 *
 * @param {Api.ListedProject} project
 */
function cover({ title, pictures }) {
  const frame = element('div', { class: 'cover' });
  if (pictures?.length) {
    // The title says what it is: the picture need not be read out once more.
    frame.append(cardOf({ ...pictures[0], alt: '' }));
    return frame;
  }
  frame.dataset.letter = /[\p{L}\p{N}]/u.exec(title)?.[0]?.toUpperCase() ?? '';
  frame.dataset.tone = String(tone(title));
  return frame;
}
