// Who is looking: asked where a page shows more to its owner or to the staff.

import { request } from './client.js';
import { noteSignedIn, seemsSignedIn } from './session.js';

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
