// What a page shows in place of what could not be loaded: what happened, and what to do.

import { advice, NetworkError } from '../api/client.js';
import { root, seemsSignedIn, signInAddress } from '../api/session.js';
import { element } from '../dom.js';

/**
 * Fills `place` (which has role="alert") with a failure. `retry` is called by "Try again";
 * `missing` words a 404 as this page would: { title, advice };
 * `heading` is h1 where the page has no other title then.
 */
export function showFailure(place, error, { retry, missing, heading = 'h2' } = {}) {
  const told = words(error, missing);
  place.replaceChildren(
    element(
      'div',
      { class: 'panel state failure worded' },
      element(heading, {}, told.title),
      element('p', {}, told.advice),
      element('p', { class: 'actions' }, ...actions(error, retry)),
    ),
  );
}

export function clearFailure(place) {
  place.replaceChildren();
}

/** For a page that holds what somebody has written: it must not be left to sign in. */
export function signInElsewhere() {
  return element('a', { href: signInAddress(), target: '_blank', rel: 'noopener' }, 'Sign in in a new tab');
}

/** What happened, as a title. */
export function headline(error) {
  return words(error).title;
}

function words(error, missing) {
  if (error.status === 401) return { title: 'Please sign in', advice: advice(error) };
  if (error.status === 403) return { title: 'This is not open to you', advice: advice(error) };
  if (error.status === 404 && missing) return missing;
  if (error instanceof NetworkError) {
    return {
      title: navigator.onLine ? 'The server does not answer' : 'You seem to be offline',
      advice: advice(error),
    };
  }
  return { title: 'This did not work', advice: advice(error) };
}

function actions(error, retry) {
  const signIn = element('a', { class: 'button', href: signInAddress() }, 'Sign in');
  if (error.status === 401) return [signIn];
  const home = element('a', { class: 'button quiet', href: root.href }, 'To the start');
  if (error.status === 404 && !seemsSignedIn()) return [signIn, home];
  if (error.status === 403 || error.status === 404) return [home];
  const again = element('button', { class: 'button', type: 'button' }, 'Try again');
  again.addEventListener('click', retry);
  return [again];
}
