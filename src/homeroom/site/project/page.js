// One project: what it is, how it looks, who made it.

import '../assets/js/components/confirmation.js';
import { request } from '../assets/js/api/client.js';
import { whoAmIPerhaps } from '../assets/js/api/me.js';
import { isStaff, onSessionChangeElsewhere, seemsSignedIn } from '../assets/js/api/session.js';
import { contentFragment, outsideLink, safeAddress } from '../assets/js/components/content.js';
import { askInDialog } from '../assets/js/components/dialog.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { dressPerson, portfolioAddress } from '../assets/js/components/person.js';
import { pageOf } from '../assets/js/components/pictures.js';
import { editAddress, VISIBILITIES } from '../assets/js/components/project-card.js';
import { byId, element, isolated, personal } from '../assets/js/dom.js';
import { field } from '../assets/js/forms.js';
import { t } from '../assets/js/texts.js';
import { onDay } from '../assets/js/times.js';

const COVER_SIZES = '(min-width: 64rem) 62rem, 94vw';
const SHOT_SIZES = '(min-width: 40rem) 30rem, 94vw';

const id = new URLSearchParams(location.search).get('id') || '0'; // of nobody: there is no such project
const address = /** @type {const} */ (`/api/projects/${encodeURIComponent(id)}`);

byId('hide').addEventListener('click', hide);
byId('unhide').addEventListener('click', showAgain);
byId('delete').addEventListener('click', askToDelete);
onSessionChangeElsewhere(load);
load();

async function load() {
  try {
    const [me, { data: project }] = await Promise.all([whoAmIPerhaps(), request(address)]);
    show(project, me);
    clearFailure(byId('failure'));
    byId('project').hidden = false;
  } catch (error) {
    byId('project').hidden = true;
    showFailure(byId('failure'), error, { retry: load, missing: missing(), heading: 'h1' });
  }
  byId('loading').hidden = true;
}

function missing() {
  return {
    title: t('project.missing'),
    advice: seemsSignedIn() ? t('project.missing_member') : t('project.missing_guest'),
  };
}

/**
 * @param {Api.Project} project
 * @param {Api.Self | null} me
 */
function show(project, me) {
  document.title = t('shell.title', { page: isolated(project.title) });
  byId('title').textContent = project.title;
  byId('summary').textContent = project.summary ?? '';
  byId('summary').hidden = !project.summary;
  showByline(project);
  showPictures(project.pictures);
  byId('content').replaceChildren(contentFragment(project.content ?? []));
  byId('links').replaceChildren(...project.links.map(linkItem));
  byId('links-part').hidden = !project.links.length;
  byId('tags').replaceChildren(
    ...project.tags.map((tag) => element('li', { class: 'tag', dir: 'auto' }, tag)),
  );
  byId('tags-part').hidden = !project.tags.length;
  byId('aside').hidden = !project.links.length && !project.tags.length;
  showActions(project, me);
}

/** @param {Api.Project} project */
function showByline({ author, visibility, hidden, created_at: created, updated_at: updated }) {
  const person = element(author.uid ? 'a' : 'span', { class: 'person' });
  dressPerson(person, author);
  byId('author').replaceChildren(person);
  const days = { created: onDay(new Date(created)), updated: onDay(new Date(updated)) };
  byId('dates').textContent = days.created === days.updated ? days.created : t('project.changed', days);
  byId('visibility').textContent = VISIBILITIES[visibility];
  byId('visibility').className = `tag ${visibility}`;
  // "Public" beside the notice that nobody sees it would contradict it.
  byId('visibility').hidden = Boolean(hidden) || (visibility === 'public' && !seemsSignedIn());
}

/**
 * The first picture leads, the others follow the text; each opens in its full size.
 *
 * @param {Api.Picture[]} pictures
 */
function showPictures(pictures) {
  const [first, ...others] = pictures;
  byId('cover').replaceChildren(...(first ? [shot(first, { sizes: COVER_SIZES, eager: true })] : []));
  byId('cover').hidden = !first;
  byId('shots').replaceChildren(
    ...others.map((picture) => element('li', {}, shot(picture, { sizes: SHOT_SIZES }))),
  );
  byId('shots').hidden = !others.length;
}

/**
 * @param {Api.Picture} picture
 * @param {{ sizes: string, eager?: boolean }} how
 */
function shot(picture, how) {
  return pageOf({ ...picture, alt: picture.alt || t('picture.undescribed') }, how);
}

/** @param {Api.Link} link */
function linkItem({ label, url }) {
  const href = safeAddress(url);
  return element('li', {}, href ? outsideLink(href, personal(label)) : personal(label));
}

/**
 * @param {Api.Project} project
 * @param {Api.Self | null} me
 */
function showActions(project, me) {
  const own = me !== null && me.uid === project.author.uid;
  const mayWrite = project.access.includes('rw');
  const staff = isStaff(me);
  byId('edit', HTMLAnchorElement).href = editAddress(project.id);
  byId('edit').hidden = !own || !mayWrite;
  byId('delete').hidden = !own || !mayWrite;
  byId('hide').hidden = !staff || own || Boolean(project.hidden);
  byId('unhide').hidden = !staff || !project.hidden;
  byId('actions').hidden = !own && !staff;
  byId('hidden').hidden = !project.hidden;
  if (!project.hidden) return;
  byId('hidden-who').textContent = own ? t('project.hidden_own') : t('project.hidden_other');
  byId('hidden-reason').textContent = project.hidden.reason;
  byId('hidden-next').hidden = !own;
}

/** The title as a question about the project has it. */
function shownTitle() {
  return { title: isolated(byId('title').textContent ?? '') };
}

async function hide() {
  const done = await askInDialog({
    title: t('project.hide_question', shownTitle()),
    intro: [t('project.hide_intro')],
    action: t('project.hide_action'),
    danger: true,
    fields: [
      field({
        name: 'reason',
        label: t('project.reason'),
        multiline: true,
        rows: '3',
        required: '',
        maxlength: '500',
        'data-missing': t('project.reason_missing'),
      }),
    ],
    send: ({ reason }) => request(`${address}/hidden`, { method: 'PUT', body: { reason: reason.trim() } }),
  });
  if (done) await reload(t('project.hidden'));
}

async function showAgain() {
  const button = byId('unhide', HTMLButtonElement);
  button.disabled = true;
  try {
    await request(`${address}/hidden`, { method: 'DELETE' });
    await reload(t('project.shown'));
  } catch (error) {
    showFailure(byId('failure'), error, { retry: load });
  }
  button.disabled = false;
}

/**
 * Shows the new state; the button that was pressed is gone, so the focus goes to the title.
 *
 * @param {string} told
 */
async function reload(told) {
  await load();
  byId('told').textContent = told;
  byId('title').focus();
}

async function askToDelete() {
  const done = await askInDialog({
    title: t('project.delete_question', shownTitle()),
    intro: [t('project.delete_intro')],
    action: t('project.delete_action'),
    danger: true,
    send: () => request(address, { method: 'DELETE' }),
  });
  if (done) location.replace(portfolioAddress());
}
