// Sends one picture and tells how far it is: fetch cannot, XMLHttpRequest can.

import { language } from '../texts.js';
import { ApiError, addressOf, NetworkError, readAnswer } from './client.js';
import { options } from './config.js';
import { shrink } from './shrink.js';

// A class that sends its pictures at once fills the server's places for a moment; longer than this
// nobody waits without being asked.
const TRIES = 12;

/**
 * @typedef {object} Progress
 * @property {(share: number) => void} onProgress
 * @property {AbortSignal} signal
 */

/**
 * Sends a picture, a large one made smaller, and again when the server is busy. `onProgress(share)` hears
 * 0 … 1; `signal` calls it off.
 * Gives back what the API answers; throws ApiError, NetworkError or AbortError, like `request`.
 *
 * @param {File} chosen
 * @param {Progress} progress
 */
export async function upload(chosen, { onProgress, signal }) {
  const file = await shrink(chosen);
  signal.throwIfAborted();
  for (let tries = 1; ; tries += 1) {
    try {
      return await send(file, { onProgress, signal });
    } catch (error) {
      const busy = error instanceof ApiError && error.status === 503;
      if (!busy || !error.retryAfter || tries === TRIES) throw error;
      await pause(error.retryAfter * 1000, signal);
    }
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('Called off.', 'AbortError'));
    });
  });
}

/**
 * @param {File} file
 * @param {Progress} progress
 * @returns {Promise<{ data: Api.Upload }>}
 */
function send(file, { onProgress, signal }) {
  const url = addressOf('/api/uploads/');
  const sending = new XMLHttpRequest();
  sending.open('POST', url);
  sending.withCredentials = options.credentials === 'include';
  sending.setRequestHeader('X-Origin', options.headers['X-Origin']);
  sending.setRequestHeader('Accept', 'application/json');
  sending.setRequestHeader('Accept-Language', language);
  sending.upload.addEventListener('progress', (event) => {
    if (event.lengthComputable) onProgress(event.loaded / event.total);
  });
  signal.addEventListener('abort', () => sending.abort());
  const form = new FormData();
  form.append('file', file, file.name || 'picture');
  return new Promise((resolve, reject) => {
    sending.addEventListener('load', () => readAnswer(answerOf(sending), url).then(resolve, reject));
    sending.addEventListener('error', () =>
      reject(new NetworkError(new TypeError('Failed to send'), url.origin + url.pathname)),
    );
    sending.addEventListener('abort', () => reject(new DOMException('Called off.', 'AbortError')));
    sending.send(form);
  });
}

/**
 * The answer in the form that fetch would have given it.
 *
 * @param {XMLHttpRequest} sending
 */
function answerOf(sending) {
  const headers = new Headers();
  for (const line of sending.getAllResponseHeaders().trim().split('\r\n')) {
    const [name, ...value] = line.split(': ');
    if (name) headers.append(name, value.join(': '));
  }
  return new Response(sending.responseText, { status: sending.status, headers });
}
