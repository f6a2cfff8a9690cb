// Who is looking: asked where a page shows more to its owner or to the staff.

import { refusal, request } from './client.js';
import { noteChangedElsewhere, noteSignedIn, noteSignedOut, seemsSignedIn } from './session.js';

/** @type {Promise<{ data: { user: Api.Self | null } }> | null} */
let asking = null;

/**
 * The signed-in user, or null for a guest. It is asked each time: somebody may have signed in or out on a page of
 * another origin, which no flag of this one knows. Who asks at the same moment shares the answer.
 */
export async function whoAmIPerhaps() {
  asking ??= request('/api/session').finally(() => {
    asking = null;
  });
  const {
    data: { user },
  } = await asking;
  if (user) noteSignedIn(user);
  else noteSignedOut();
  return user;
}

/** The signed-in user. Throws ApiError 401 for a guest. */
export async function whoAmI() {
  const user = await whoAmIPerhaps();
  if (!user) throw refusal(401);
  return user;
}

/** Asks now, and each time somebody comes back to this tab: what was true may have changed out of sight. */
export function watchSession() {
  lookAgain();
  document.addEventListener('visibilitychange', async () => {
    if (document.hidden) return;
    const seemed = seemsSignedIn();
    const user = await lookAgain();
    if (user !== undefined && seemed !== Boolean(user)) noteChangedElsewhere();
  });
}

/** Undefined where the server does not answer: the next thing that one does here will say so. */
function lookAgain() {
  return whoAmIPerhaps().catch(() => undefined);
}
