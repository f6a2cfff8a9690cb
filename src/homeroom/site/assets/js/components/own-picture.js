// One's own picture on the account page: choose it, see it sent, remove it.

import { request } from '../api/client.js';
import { upload } from '../api/upload.js';
import { byId } from '../dom.js';
import { t } from '../texts.js';
import { advice } from './failure.js';
import { largePortrait } from './person.js';

/** @type {Api.User | null} */
let person = null;
/** @type {() => unknown} */
let changed = () => null;

/**
 * Makes the buttons work; `done` is called once the picture has changed.
 *
 * @param {() => unknown} done
 */
export function initOwnPicture(done) {
  changed = done;
  const file = byId('picture-file', HTMLInputElement);
  byId('picture-choose').addEventListener('click', () => file.click());
  file.addEventListener('change', async () => {
    await send(file.files?.[0]);
    file.value = '';
  });
  byId('picture-remove').addEventListener('click', remove);
}

/** @param {Api.User} user */
export function showOwnPicture(user) {
  person = user;
  byId('portrait').replaceChildren(largePortrait(user));
  byId('picture-remove').hidden = !user.picture;
  byId('picture-choose').textContent = user.picture
    ? t('account.picture_other')
    : t('account.picture_choose');
}

/** @param {File | undefined} file */
async function send(file) {
  if (!file) return;
  const progress = byId('picture-progress', HTMLProgressElement);
  await change(t('account.picture_saved'), async () => {
    progress.value = 0;
    progress.hidden = false;
    const { signal } = new AbortController();
    const { data } = await upload(file, {
      signal,
      onProgress: (share) => {
        progress.value = share;
      },
    });
    return request('/api/id/picture', { method: 'PUT', body: { picture_id: data.id } });
  });
  progress.hidden = true;
}

async function remove() {
  await change(t('account.picture_removed'), () => request('/api/id/picture', { method: 'DELETE' }));
  byId('picture-choose').focus();
}

/**
 * @param {string} told
 * @param {() => Promise<unknown>} act
 */
async function change(told, act) {
  const buttons = [byId('picture-choose', HTMLButtonElement), byId('picture-remove', HTMLButtonElement)];
  for (const button of buttons) button.disabled = true;
  byId('picture-error').textContent = '';
  byId('picture-told').textContent = '';
  try {
    await act();
    showOwnPicture((await request('/api/id')).data);
    byId('picture-told').textContent = told;
    changed();
  } catch (error) {
    byId('picture-error').textContent = advice(error);
    if (person) showOwnPicture(person);
  }
  for (const button of buttons) button.disabled = false;
}
