// Who is looking: asked where a page shows more to its owner or to the staff.

import { request } from './client.js';
import { noteEndedElsewhere, noteSignedIn, seemsSignedIn } from './session.js';

/** The signed-in user. Throws ApiError 401 for a guest. */
export async function whoAmI() {
  const { data: user } = await request('/api/id');
  noteSignedIn(user);
  return user;
}

/** The signed-in user, or null for a guest, who is not asked to sign in for what is public. */
export async function whoAmIPerhaps() {
  if (!seemsSignedIn()) return null;
  try {
    return await whoAmI();
  } catch (error) {
    if (error.status === 401) return null;
    throw error;
  }
}

/** Asks each time somebody comes back to this tab: the session may have ended while it was out of sight. */
export function watchSession() {
  document.addEventListener('visibilitychange', async () => {
    if (document.hidden || !seemsSignedIn()) return;
    try {
      if (!await whoAmIPerhaps()) noteEndedElsewhere();
    } catch {
      // The server does not answer: the next thing that one does here will say so.
    }
  });
}
