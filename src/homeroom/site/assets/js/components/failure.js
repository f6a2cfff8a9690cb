// What a page says when something failed: what happened, and what to do. Each failure has its words here.

import { ApiError, NetworkError, statusOf } from '../api/client.js';
import { uri } from '../api/config.js';
import { root, seemsSignedIn, signInAddress } from '../api/session.js';
import { element } from '../dom.js';
import { t } from '../texts.js';
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
  return element(
    'a',
    { href: signInAddress(), target: '_blank', rel: 'noopener' },
    t('failure.sign_in_elsewhere'),
  );
}

/**
 * What happened, as a title.
 *
 * @param {unknown} error
 */
export function headline(error) {
  if (statusOf(error) === 401) return t('failure.sign_in_first');
  if (statusOf(error) === 403) return t('failure.forbidden');
  if (!(error instanceof NetworkError)) return t('failure.failed');
  return navigator.onLine ? t('failure.no_answer') : t('failure.offline');
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
    return t('failure.page_fault');
  }
  if (error.status === 401) return t('failure.signed_out');
  if (error.status === 429) return waitAdvice(error.retryAfter);
  if (error.status >= 500) {
    return error.requestId ? t('failure.server_numbered', { id: error.requestId }) : t('failure.server');
  }
  return error.detail;
}

function networkAdvice() {
  // A hint only: a computer without a network may well have the server on itself.
  const told = navigator.onLine ? t('failure.unreachable') : t('failure.unreachable_offline');
  return uri === location.origin ? told : `${told} ${t('failure.origin', { origin: location.origin })}`;
}

/** @param {number | null} seconds */
function waitAdvice(seconds) {
  return seconds ? t('failure.too_many_wait', { time: duration(seconds) }) : t('failure.too_many');
}

/**
 * @param {unknown} error
 * @param {(() => unknown) | undefined} retry
 */
function actions(error, retry) {
  const status = statusOf(error);
  const signIn = element('a', { class: 'button', href: signInAddress() }, t('common.sign_in'));
  if (status === 401) return [signIn];
  const home = element('a', { class: 'button quiet', href: root.href }, t('common.home'));
  if (status === 404 && !seemsSignedIn()) return [signIn, home];
  if (status === 403 || status === 404) return [home];
  if (!retry) return [];
  const again = element('button', { class: 'button', type: 'button' }, t('common.try_again'));
  again.addEventListener('click', retry);
  return [again];
}
