// A user's portfolio: who they are, and what they have made.

import { nextCursor, refusal, request, totalIn } from '../assets/js/api/client.js';
import { whoAmIPerhaps } from '../assets/js/api/me.js';
import { onSessionChangeElsewhere, seemsSignedIn } from '../assets/js/api/session.js';
import { outsideLink, safeAddress } from '../assets/js/components/content.js';
import { askInDialog } from '../assets/js/components/dialog.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { LinkList } from '../assets/js/components/link-list.js';
import { largePortrait } from '../assets/js/components/person.js';
import { editAddress, projectCard } from '../assets/js/components/project-card.js';
import { byId, element, isolated, personal, within } from '../assets/js/dom.js';
import { field } from '../assets/js/forms.js';
import { t } from '../assets/js/texts.js';

const PAGE_SIZE = 24;

/** @typedef {Api.Profile & { picture: Api.User['picture'] }} Portfolio */

const list = byId('projects');

/** @type {Portfolio} */
let portfolio = { name: '', about: '', links: [], access: [], picture: null };
let uid = new URLSearchParams(location.search).get('uid');
/** @type {string | null} */
let cursor = null;

byId('edit').addEventListener('click', edit);
byId('more').addEventListener('click', showMore);
for (const link of document.querySelectorAll('.new-project')) link.setAttribute('href', editAddress());
onSessionChangeElsewhere(load);
load();

async function load() {
  try {
    const me = await whoAmIPerhaps();
    uid ??= me?.uid ?? null;
    if (!uid) throw refusal(401);
    cursor = null;
    const [{ data }, projects] = await Promise.all([
      request(`/api/portfolio/${encodeURIComponent(uid)}`),
      projectsPage(uid),
    ]);
    portfolio = { ...data, picture: await pictureOf(data.id) };
    showPerson(uid, me?.uid.toLowerCase() === uid.toLowerCase());
    showProjects(projects);
    clearFailure(byId('failure'));
    byId('portfolio').hidden = false;
  } catch (error) {
    byId('portfolio').hidden = true;
    showFailure(byId('failure'), error, { retry: load, missing: missing(), heading: 'h1' });
  }
  byId('loading').hidden = true;
}

/**
 * The picture is the user's, not the page's; guests, who get no id, see initials.
 *
 * @param {number | null | undefined} id
 */
async function pictureOf(id) {
  return id ? (await request(`/api/users/${id}`)).data.picture : null;
}

function missing() {
  return {
    title: t('portfolio.missing'),
    advice: seemsSignedIn() ? t('portfolio.missing_member') : t('portfolio.missing_guest'),
  };
}

/**
 * @param {string} uid
 * @param {boolean} own
 */
function showPerson(uid, own) {
  document.title = t('shell.title', { page: isolated(portfolio.name) });
  byId('portrait').replaceChildren(largePortrait({ ...portfolio, uid }));
  byId('name').textContent = portfolio.name;
  byId('uid').textContent = portfolio.uid ?? '';
  byId('uid').hidden = !portfolio.uid;
  byId('about').replaceChildren(...paragraphs(portfolio.about));
  byId('links').replaceChildren(...portfolio.links.map(linkItem));
  byId('links').hidden = !portfolio.links.length;
  byId('owner').hidden = !own;
  showEmptyWords(own);
  byId('about-invite').hidden = !own || Boolean(portfolio.about);
}

/**
 * Who may see no project here is told why: a guest gets no list by ID.
 *
 * @param {boolean} own
 */
function showEmptyWords(own) {
  const [title, advice] = !portfolio.uid
    ? [t('portfolio.for_class'), t('portfolio.for_class_advice')]
    : [
        t('common.no_projects'),
        own ? t('portfolio.empty_own') : t('portfolio.empty_other', { name: isolated(portfolio.name) }),
      ];
  byId('empty-title').textContent = title;
  byId('empty-advice').textContent = advice;
  byId('empty-new').hidden = !own;
}

/**
 * A plain text: an empty line begins a new paragraph.
 *
 * @param {string} text
 */
function paragraphs(text) {
  return text
    .split(/\n\s*\n/)
    .filter((part) => part.trim())
    .map((part) => element('p', { dir: 'auto' }, part.trim()));
}

/** @param {Api.Link} link */
function linkItem({ label, url }) {
  const href = safeAddress(url);
  return element('li', {}, href ? outsideLink(href, personal(label)) : personal(label));
}

/** @param {string} uid */
async function projectsPage(uid) {
  const question = new URLSearchParams({ uid, limit: String(PAGE_SIZE), sort: '-created_at' });
  if (cursor) question.set('cursor', cursor);
  return request(`/api/projects/?${question}`);
}

/** @param {{ data: Api.ListedProject[], headers: Headers }} answer */
function showProjects({ data: projects, headers }) {
  const cards = projects.map((project) => projectCard(project));
  if (cursor) list.append(...cards);
  else list.replaceChildren(...cards);
  cursor = nextCursor(headers);
  byId('more').hidden = !cursor;
  list.hidden = !list.children.length;
  byId('empty').hidden = !list.hidden;
  byId('count').textContent = list.hidden ? '' : totalIn(headers);
}

async function showMore() {
  const before = list.children.length;
  try {
    showProjects(await projectsPage(uid ?? ''));
    const first = list.children[before];
    if (first) within(first, 'a').focus();
  } catch (error) {
    showFailure(byId('failure'), error, { retry: load });
  }
}

async function edit() {
  const links = new LinkList();
  const saved = askInDialog({
    title: t('account.about'),
    action: t('common.save'),
    fields: [
      field({
        name: 'shown_name',
        label: t('portfolio.shown_name'),
        value: portfolio.shown_name ?? '',
        optional: true,
        hint: t('portfolio.shown_name_hint'),
      }),
      field({
        name: 'about',
        label: t('portfolio.about'),
        value: portfolio.about ?? '',
        multiline: true,
        rows: '5',
        optional: true,
        hint: t('portfolio.about_hint'),
      }),
      element('fieldset', { class: 'field' }, element('legend', {}, t('common.links')), links),
    ],
    send: async ({ about, shown_name: shownName }) =>
      (
        await request('/api/portfolio', {
          method: 'PUT',
          body: { about: about.trim(), shown_name: shownName.trim() || null, links: links.value },
        })
      ).data,
  });
  links.value = portfolio.links;
  const answer = await saved;
  if (!answer) return;
  portfolio = { ...portfolio, ...answer };
  showPerson(uid ?? '', true);
  byId('told').textContent = t('common.saved');
}
