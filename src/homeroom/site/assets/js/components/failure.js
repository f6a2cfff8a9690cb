// What a page says when something failed: what happened, and what to do. All such words are here.

import { ApiError, NetworkError, statusOf } from '../api/client.js';
import { uri } from '../api/config.js';
import { root, seemsSignedIn, signInAddress } from '../api/session.js';
import { element } from '../dom.js';
import { duration } from '../times.js';

/**
 * @typedef {object} FailureOptions
 * @property {() => unknown} [retry] called by "Try again"
 * @property {{ title: string, advice: string }} [missing] words a 404 as this page would
 * @property {'h1' | 'h2' | 'h3'} [heading] h1 where the page has no other title then
 * @property {string} [title] a message word for word, in place of our own headline
 */

/**
 * Fills `place` (which has role="alert") with a failure.
 *
 * @param {HTMLElement} place
 * @param {unknown} error
 * @param {FailureOptions} [options]
 */
export function showFailure(place, error, { retry, missing, heading = 'h2', title } = {}) {
  const told =
    statusOf(error) === 404 && missing ? missing : { title: headline(error), advice: advice(error) };
  place.replaceChildren(
    element(
      'div',
      { class: title ? 'state failure' : 'panel state failure worded' },
      element(heading, {}, title ?? told.title),
      element('p', {}, told.advice),
      element('p', { class: 'actions' }, ...actions(error, retry)),
    ),
  );
}

/** @param {HTMLElement} place */
export function clearFailure(place) {
  place.replaceChildren();
}

/** For a page that holds what somebody has written: it must not be left to sign in. */
export function signInElsewhere() {
  return element('a', { href: signInAddress(), target: '_blank', rel: 'noopener' }, 'Sign in in a new tab');
}

/**
 * What happened, as a title.
 *
 * @param {unknown} error
 */
export function headline(error) {
  if (statusOf(error) === 401) return 'Please sign in';
  if (statusOf(error) === 403) return 'This is not open to you';
  if (!(error instanceof NetworkError)) return 'This did not work';
  return navigator.onLine ? 'The server does not answer' : 'You seem to be offline';
}

/**
 * What a person can do about a failure, in one or two sentences.
 *
 * @param {unknown} error
 */
export function advice(error) {
  if (error instanceof NetworkError) return networkAdvice();
  if (!(error instanceof ApiError)) {
    reportError(error); // a fault of the page itself belongs into the console, for who mends it
    return 'Something went wrong in this page. Reload it; if that does not help, tell your teacher.';
  }
  if (error.status === 401) return 'You are not signed in, or your session has ended.';
  if (error.status === 429) return `Too many requests. ${waitAdvice(error.retryAfter)}`;
  if (error.status >= 500) {
    const reference = error.requestId ? ` and this number: ${error.requestId}` : '';
    return `The server had a problem. Try again; if it stays, tell your teacher the time${reference}.`;
  }
  return error.detail;
}

function networkAdvice() {
  const crossOrigin =
    uri === location.origin
      ? ''
      : ` If it is running, its setting FRONTEND_ORIGINS must hold ${location.origin}.`;
  // A hint only: a computer without a network may well have the server on itself.
  const offline = navigator.onLine ? '' : 'You seem to be offline. ';
  return `${offline}The server could not be reached. Check that you are online and that it is running.${crossOrigin}`;
}

/** @param {number | null} seconds */
function waitAdvice(seconds) {
  return seconds ? `Try again in ${duration(seconds)}.` : 'Wait a little and try again.';
}

/**
 * @param {unknown} error
 * @param {(() => unknown) | undefined} retry
 */
function actions(error, retry) {
  const status = statusOf(error);
  const signIn = element('a', { class: 'button', href: signInAddress() }, 'Sign in');
  if (status === 401) return [signIn];
  const home = element('a', { class: 'button quiet', href: root.href }, 'To the start');
  if (status === 404 && !seemsSignedIn()) return [signIn, home];
  if (status === 403 || status === 404) return [home];
  if (!retry) return [];
  const again = element('button', { class: 'button', type: 'button' }, 'Try again');
  again.addEventListener('click', retry);
  return [again];
}
