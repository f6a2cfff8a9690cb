// A student's first day by a generated client: node build/journey.js http://localhost:8086 picture.png

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from './homeroom.js';

// Browsers keep cookies by themselves, with `createClient<paths>({ baseUrl, credentials: 'include' })`.
function keepingCookies(): Middleware {
  const cookies = new Map<string, string>();
  return {
    onRequest({ request }) {
      request.headers.set('Cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
      return request;
    },
    onResponse({ response }) {
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/) ?? [];
        if (name !== undefined && value !== undefined) cookies.set(name, value);
      }
      return undefined;
    },
  };
}

type Answer<T> = { data?: T; error?: { detail: string }; response: Response };

/** What an answer holds; a refusal ends the journey with its reason. */
function succeeded<T>({ data, error, response }: Answer<T>): T {
  if (data === undefined) throw new Error(`${response.status}: ${error?.detail}`);
  return data;
}

const [, , address, file] = process.argv;
if (!address || !file) throw new Error('Usage: node build/journey.js ADDRESS PICTURE');
const api = createClient<paths>({ baseUrl: address });
api.use(keepingCookies());

const credentials = { uid: 'grace', password: 'correct horse battery' };
succeeded(await api.POST('/api/users', { body: { ...credentials, name: 'Grace Hopper' } }));
const { user } = succeeded(await api.POST('/api/authenticate', { body: credentials }));
console.log(`Signed in as ${user.name}`);

const bytes = await readFile(file);
const form = new FormData();
form.set('file', new Blob([bytes]), basename(file));
const upload = succeeded(
  await api.POST('/api/uploads', { body: { file: basename(file) }, bodySerializer: () => form }),
);
console.log(`Uploaded ${upload.urls.page.webp}`);
succeeded(await api.PUT('/api/id/pfp', { body: { pfp: bytes.toString('base64') } }));

const project = succeeded(
  await api.POST('/api/projects', {
    body: { title: 'A compiler', visibility: 'class', pictures: [{ id: upload.id, alt: 'The machine' }] },
  }),
);
succeeded(
  await api.PATCH('/api/projects/{project_id}', {
    params: { path: { project_id: project.id } },
    body: { tags: ['languages'] },
  }),
);

const projects = succeeded(await api.GET('/api/projects', { params: { query: { uid: user.uid } } }));
for (const { title, author, tags } of projects) console.log(`${title} by ${author.name}: ${tags.join(', ')}`);
const users = succeeded(await api.GET('/api/users'));
for (const { name, picture } of users) console.log(`${name}: ${picture?.webp ?? 'no picture'}`);

console.log(succeeded(await api.DELETE('/api/authenticate')).message);
const { error } = await api.GET('/api/id');
console.log(`${error?.status}: ${error?.message}`);
