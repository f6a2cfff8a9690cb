// Writing a project: its text, its pictures, who may see it. Nothing is lost without a question.

import '../../assets/js/components/confirmation.js';
import '../../assets/js/components/link-list.js';
import '../../assets/js/components/markdown-field.js';
import '../../assets/js/components/picture-list.js';
import { advice, refusal, request } from '../../assets/js/api/client.js';
import { whoAmI } from '../../assets/js/api/me.js';
import { onSessionChangeElsewhere, seemsSignedIn } from '../../assets/js/api/session.js';
import { clearFailure, showFailure, signInElsewhere } from '../../assets/js/components/failure.js';
import { portfolioAddress } from '../../assets/js/components/person.js';
import { projectAddress } from '../../assets/js/components/project-card.js';
import { element, isolated } from '../../assets/js/dom.js';
import { onSubmit, say } from '../../assets/js/forms.js';

const byId = (id) => document.getElementById(id);
const form = byId('project');
const links = byId('links');
const pictures = byId('pictures');
const id = new URLSearchParams(location.search).get('id');
const address = id && `/api/projects/${encodeURIComponent(id)}`;

let etag = null; // of the version that this page shows: If-Match tells the API what we change
let saved = null;

onSubmit(form, save, explain);
form.addEventListener('input', showDirty);
byId('cancel').addEventListener('click', () => location.assign(id ? projectAddress(id) : portfolioAddress()));
addEventListener('beforeunload', (event) => {
  if (isDirty()) event.preventDefault();
});
onSessionChangeElsewhere(noteSession);
load();

async function load() {
  try {
    await whoAmI();
    if (address) await fetchSaved();
    else fill({ title: '', summary: '', body: '', tags: [], links: [], pictures: [], visibility: 'draft' });
    clearFailure(byId('failure'));
    form.hidden = false;
    if (!address) form.elements.title.focus();
  } catch (error) {
    form.hidden = true;
    showFailure(byId('failure'), error, {
      retry: load,
      missing: { title: 'There is no such project', advice: 'It may have been deleted, or it is not yours.' },
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

function fill(project) {
  document.title = id ? `Edit ${isolated(project.title)} · Homeroom` : 'New project · Homeroom';
  byId('heading').textContent = id ? 'Edit project' : 'New project';
  for (const name of ['title', 'summary', 'body', 'visibility']) {
    form.elements.namedItem(name).value = project[name] ?? '';
  }
  form.elements.tags.value = project.tags.join(', ');
  links.value = project.links;
  pictures.value = project.pictures;
  saved = JSON.stringify(written());
  showDirty();
}

/** The project as it stands in the form, in the API's words. */
function written() {
  const { title, summary, body, visibility, tags } = Object.fromEntries(new FormData(form));
  return {
    title: title.trim(),
    summary: summary.trim(),
    body,
    visibility,
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
  byId('state').textContent = isDirty() ? 'Not saved yet' : 'Saved';
  byId('state').hidden = !id && !isDirty();
}

async function save() {
  if (pictures.unfinished) {
    say(form, 'Pictures are still on their way: save once they have arrived.');
    return;
  }
  if (pictures.failed) {
    say(form, 'A picture could not be sent: try it again or remove it, then save.');
    return;
  }
  const body = written();
  const headers = etag ? { 'If-Match': etag } : {};
  const { data } = await request(address ?? '/api/projects/', {
    method: address ? 'PUT' : 'POST',
    body,
    headers,
  });
  saved = null; // leaving is no loss now
  location.assign(projectAddress(data.id));
}

function explain(error) {
  if (error.status === 412) {
    offerVersions();
    return true;
  }
  if (error.status === 401) {
    say(
      form,
      'Your session has ended. ',
      'error',
      signInElsewhere(),
      ', then save again: your text stays here.',
    );
    return true;
  }
  return null;
}

/** Somebody, perhaps we ourselves in another tab, has saved meanwhile: whose version shall stay? */
function offerVersions() {
  const look = element('a', { href: projectAddress(id), target: '_blank', rel: 'noopener' }, 'Look at it');
  const theirs = element('button', { class: 'link', type: 'button' }, 'take that one');
  const mine = element('button', { class: 'link', type: 'button' }, 'save yours over it');
  theirs.addEventListener('click', () => resolve(() => fetchSaved(), 'This is the saved version.'));
  mine.addEventListener('click', () =>
    resolve(async () => {
      etag = (await request(address)).headers.get('ETag');
      form.requestSubmit();
    }),
  );
  say(
    form,
    'This project was saved meanwhile, in another tab or by somebody else. ',
    'error',
    look,
    ', then ',
    mine,
    ' or ',
    theirs,
    '.',
  );
}

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
  else
    say(
      form,
      'Your session has ended elsewhere. ',
      'error',
      signInElsewhere(),
      ' to save: your text stays here.',
    );
}
