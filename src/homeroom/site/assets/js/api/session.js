// Whether this browser seems signed in, where to sign in, and where to go afterwards.
//
// The cookie is HttpOnly: no script can see it. A flag remembers the last thing the API said, so that a page
// looks right before it has asked again (see me.js). It holds no name, only whether the staff's pages are worth
// a link, and grants nothing; the API decides each time, and its answer puts the flag right.

const FLAG = 'homeroom.signed-in';
const changes = new EventTarget();

/** The site's root, whatever base path it is served below: this file is at assets/js/api/. */
export const root = new URL('../../../', import.meta.url);

export function seemsSignedIn() {
  return flag() !== null;
}

export function seemsStaff() {
  return flag() === 'staff';
}

/**
 * Remembers that the API knows us, and with `user` (an answer about ourselves) as what.
 *
 * @param {{ role: Api.Role }} [user]
 */
export function noteSignedIn(user) {
  const kept = flag();
  const seen = user ? kindOf(user) : (kept ?? 'member');
  if (seen === kept) return;
  storage((store) => store.setItem(FLAG, seen));
  changes.dispatchEvent(new Event('change'));
}

/** @param {{ role: Api.Role }} user */
function kindOf(user) {
  return isStaff(user) ? 'staff' : 'member';
}

/** @param {{ role: Api.Role } | null} user */
export function isStaff(user) {
  return user?.role === 'Teacher' || user?.role === 'Admin';
}

export function noteSignedOut() {
  if (!seemsSignedIn()) return;
  storage((store) => store.removeItem(FLAG));
  changes.dispatchEvent(new Event('change'));
}

/**
 * Calls back whenever somebody signs in or out, here or elsewhere.
 *
 * @param {() => unknown} callback
 */
export function onSessionChange(callback) {
  changes.addEventListener('change', callback);
  onReturn(callback);
}

/**
 * Calls back when it happened out of this page's sight: what it shows may be another's by now.
 *
 * @param {() => unknown} callback
 */
export function onSessionChangeElsewhere(callback) {
  changes.addEventListener('elsewhere', callback);
  onReturn(callback);
}

/** For who has asked the API and heard that somebody signed in or out elsewhere, or that the session ran out. */
export function noteChangedElsewhere() {
  changes.dispatchEvent(new Event('elsewhere'));
}

/** @param {() => unknown} callback */
function onReturn(callback) {
  addEventListener('storage', (event) => {
    if (event.key === FLAG || event.key === null) callback();
  });
  // "Back" may bring a page out of the browser's memory as it was before signing out.
  addEventListener('pageshow', (event) => {
    if (event.persisted) callback();
  });
}

/** The sign-in page's address, with the way back to this page. */
export function signInAddress() {
  const address = new URL('login/', root);
  address.searchParams.set('next', location.pathname + location.search);
  return address.href;
}

/**
 * Where to go after signing in: `?next=` when it is a path of this site, else the users page.
 * It is parsed as a browser would and then compared, for `//evil` and `/\evil` look like paths.
 */
export function nextAddress(search = location.search) {
  const next = new URLSearchParams(search).get('next');
  const fallback = new URL('users/', root).href;
  if (!next?.startsWith('/')) return fallback;
  let address;
  try {
    address = new URL(next, root);
  } catch {
    return fallback;
  }
  const ours = address.origin === root.origin && address.pathname.startsWith(root.pathname);
  return ours ? address.href : fallback;
}

function flag() {
  return storage((store) => store.getItem(FLAG));
}

/**
 * localStorage is missing or forbidden in some private windows: then nothing is remembered.
 *
 * @template Result
 * @param {(store: Storage) => Result} use
 */
function storage(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}
