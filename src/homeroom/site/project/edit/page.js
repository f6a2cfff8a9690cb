// Writing a project: its text, its pictures, who may see it. Nothing is lost without a question.

import '../../assets/js/components/confirmation.js';
import '../../assets/js/components/markdown-field.js';
import { refusal, request, statusOf } from '../../assets/js/api/client.js';
import { whoAmI } from '../../assets/js/api/me.js';
import { onSessionChangeElsewhere, seemsSignedIn } from '../../assets/js/api/session.js';
import { advice, clearFailure, showFailure, signInElsewhere } from '../../assets/js/components/failure.js';
import { LinkList } from '../../assets/js/components/link-list.js';
import { portfolioAddress } from '../../assets/js/components/person.js';
import { PictureList } from '../../assets/js/components/picture-list.js';
import { projectAddress } from '../../assets/js/components/project-card.js';
import { byId, element, isolated } from '../../assets/js/dom.js';
import { onSubmit, say, valuesOf } from '../../assets/js/forms.js';
import { pieces, t } from '../../assets/js/texts.js';

const form = byId('project', HTMLFormElement);
const title = byId('title', HTMLInputElement);
const tags = byId('tags-field', HTMLInputElement);
const links = byId('links', LinkList);
const pictures = byId('pictures', PictureList);
const id = new URLSearchParams(location.search).get('id');
const address = /** @type {const} */ (`/api/projects/${encodeURIComponent(id ?? '')}`);

/** @type {string | null} */
let etag = null; // of the version that this page shows: If-Match tells the API what we change
/** @type {string | null} */
let saved = null;

onSubmit(form, save, explain);
form.addEventListener('input', showDirty);
tags.addEventListener('keydown', endTag);
byId('cancel').addEventListener('click', () => location.assign(id ? projectAddress(id) : portfolioAddress()));
addEventListener('beforeunload', (event) => {
  if (isDirty()) event.preventDefault();
});
onSessionChangeElsewhere(noteSession);
load();

async function load() {
  try {
    await whoAmI();
    if (id) await fetchSaved();
    else fill({ title: '', summary: '', body: '', tags: [], links: [], pictures: [], visibility: 'draft' });
    clearFailure(byId('failure'));
    form.hidden = false;
    if (!id) title.focus();
  } catch (error) {
    form.hidden = true;
    showFailure(byId('failure'), error, {
      retry: load,
      missing: { title: t('project.missing'), advice: t('edit.missing_advice') },
    });
  }
  byId('loading').hidden = true;
}

async function fetchSaved() {
  const { data, headers } = await request(address);
  if (!data.access.includes('rw')) throw refusal(404);
  etag = headers.get('ETag');
  fill(data);
}

/**
 * @typedef {Pick<Api.Project, 'title' | 'summary' | 'body' | 'tags' | 'links' | 'pictures' | 'visibility'>} Filled
 */

/** @param {Filled} project */
function fill(project) {
  const page = id ? t('edit.title_of', { title: isolated(project.title) }) : t('common.new_project');
  document.title = t('shell.title', { page });
  byId('heading').textContent = id ? t('edit.title') : t('common.new_project');
  title.value = project.title;
  byId('summary', HTMLTextAreaElement).value = project.summary;
  byId('body', HTMLTextAreaElement).value = project.body ?? '';
  visibility().value = project.visibility;
  tags.value = project.tags.join(', ');
  links.value = project.links;
  pictures.show(project.pictures);
  saved = JSON.stringify(written());
  showDirty();
}

/** The choice of who may see it, as one thing with a value. */
function visibility() {
  return /** @type {RadioNodeList} */ (form.elements.namedItem('visibility'));
}

/** The project as it stands in the form, in the API's words. */
function written() {
  const { title, summary, body, tags } = valuesOf(form);
  return {
    title: title.trim(),
    summary: summary.trim(),
    body,
    visibility: /** @type {Api.Visibility} */ (visibility().value),
    tags: tags
      .split(',')
      .map((tag) => tag.trim())
      .filter(Boolean),
    links: links.value,
    pictures: pictures.value,
  };
}

function isDirty() {
  return saved !== null && (JSON.stringify(written()) !== saved || pictures.unfinished + pictures.failed > 0);
}

function showDirty() {
  byId('state').textContent = isDirty() ? t('edit.unsaved') : t('edit.saved');
  byId('state').hidden = !id && !isDirty();
}

/**
 * Enter ends a tag as a comma does. The browser's own way would save the project and leave it.
 *
 * @param {KeyboardEvent} event
 */
function endTag(event) {
  if (event.key !== 'Enter' || event.isComposing) return;
  event.preventDefault();
  if (/[^,\s]\s*$/.test(tags.value)) tags.value = `${tags.value.trimEnd()}, `;
}

async function save() {
  if (pictures.unfinished) {
    say(form, t('edit.uploading'));
    return;
  }
  if (pictures.failed) {
    say(form, t('edit.upload_failed'));
    return;
  }
  const { data } = id
    ? await change(written())
    : await request('/api/projects/', { method: 'POST', body: written() });
  saved = null; // leaving is no loss now
  location.assign(projectAddress(data.id));
}

/** @param {ReturnType<typeof written>} body */
function change(body) {
  return request(address, { method: 'PUT', body, headers: etag ? { 'If-Match': etag } : {} });
}

/** @type {import('../../assets/js/forms.js').Explain} */
function explain(error) {
  if (statusOf(error) === 412) {
    offerVersions();
    return true;
  }
  if (statusOf(error) === 401) {
    sayToSignIn();
    return true;
  }
  return null;
}

/** Somebody, perhaps we ourselves in another tab, has saved meanwhile: whose version shall stay? */
function offerVersions() {
  const look = element(
    'a',
    { href: projectAddress(id ?? ''), target: '_blank', rel: 'noopener' },
    t('edit.look'),
  );
  const theirs = element('button', { class: 'link', type: 'button' }, t('edit.take_theirs'));
  const mine = element('button', { class: 'link', type: 'button' }, t('edit.take_mine'));
  theirs.addEventListener('click', () => resolve(() => fetchSaved(), t('edit.taken')));
  mine.addEventListener('click', () =>
    resolve(async () => {
      etag = (await request(address)).headers.get('ETag');
      form.requestSubmit();
    }),
  );
  say(form, '', 'error', ...pieces('edit.conflict', { look, mine, theirs }));
}

/**
 * @param {() => Promise<unknown>} act
 * @param {string} [done]
 */
async function resolve(act, done) {
  try {
    await act();
    if (done) say(form, done, 'success');
  } catch (error) {
    say(form, advice(error));
  }
}

/** Signed out or in elsewhere: what is written here must outlive it. */
function noteSession() {
  if (form.hidden) load();
  else if (seemsSignedIn()) say(form, '');
  else sayToSignIn();
}

function sayToSignIn() {
  say(form, '', 'error', ...pieces('edit.session_ended', { sign_in: signInElsewhere() }));
}
