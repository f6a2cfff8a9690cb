// What TypeScript must accept and refuse of `request`; it is read by the check, and never run.

import { request } from '../../../src/homeroom/site/assets/js/api/client.js';

const { data: users } = await request(`/api/users/?${new URLSearchParams({ q: 'ad' })}`);
const [name, role] = [
  users[0].name.toUpperCase(),
  /** @type {'User' | 'Teacher' | 'Admin'} */ (users[0].role),
];
// @ts-expect-error: users have no such field.
const nickname = users[0].nickname;

const { data: project } = await request(`/api/projects/${7}`);
const tags = project.tags.join(name);
const { data: preview } = await request('/api/projects/preview', { method: 'POST', body: { body: '*' } });
const nodes = preview.content.length;
// @ts-expect-error: a preview is no project, though its address looks like one's.
const title = preview.title;

// @ts-expect-error: a password is missing.
await request('/api/authenticate', { method: 'POST', body: { uid: 'ada' } });
// @ts-expect-error: a reason is a text.
await request(`/api/projects/${7}/hidden`, { method: 'PUT', body: { reason: 7 } });

const { data: nothing } = await request('/api/nothing');
// @ts-expect-error: the API has no such operation.
const length = nothing.length;
const { data: wrongMethod } = await request('/api/overview', { method: 'DELETE' });
// @ts-expect-error: nor this one, which has the address of another.
const message = wrongMethod.message;

export { length, message, nickname, nodes, role, tags, title };
