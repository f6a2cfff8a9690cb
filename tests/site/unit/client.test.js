import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { answer, answering, load, loadAnew, openPage, setOnline } from './browser.js';

openPage();
const client = await load('assets/js/api/client.js');
const { advice, headline } = await load('assets/js/components/failure.js');
const { noteSignedIn, seemsSignedIn } = await load('assets/js/api/session.js');
const { ApiError, NetworkError, isCalledOff, nextCursor, request, statusOf } = client;

beforeEach(() => {
  localStorage.clear();
  setOnline(true);
});

/** What was thrown for this answer. */
async function refused(given) {
  answering(given);
  return request('/api/users/').then(
    () => assert.fail('it was accepted'),
    (error) => error,
  );
}

test('an answer comes as its data and headers', async () => {
  const asked = answering(answer(200, [{ uid: 'ada' }], { 'X-Total-Count': '1' }));
  const { data, headers } = await request('/api/users/?q=ad');

  assert.deepEqual(data, [{ uid: 'ada' }]);
  assert.equal(client.totalIn(headers), '1');
  assert.equal(asked[0].url, 'https://class.example.org/api/users/?q=ad');
  assert.equal(asked[0].method, 'GET');
  assert.equal(asked[0].credentials, 'include');
  assert.equal(asked[0].headers['X-Origin'], 'client');
  assert.equal(asked[0].headers['Accept-Language'], 'en', 'the language of the page');
});

test('a body is sent as JSON, and a file as what it is', async () => {
  const asked = answering(answer(200, {}), answer(200, {}));
  await request('/api/user', { method: 'PUT', body: { name: 'Ada' } });
  const file = new Blob(['uid,name'], { type: 'text/csv' });
  await request('/api/roster', { method: 'POST', body: file });

  assert.equal(asked[0].body, '{"name":"Ada"}');
  assert.equal(asked[0].headers['Content-Type'], 'application/json');
  assert.equal(asked[1].body, file);
  assert.equal(asked[1].headers['Content-Type'], 'text/csv');
});

test('a refusal carries what the API said of it', async () => {
  const problem = {
    title: 'Unprocessable',
    detail: 'Enter a name.',
    errors: [{ pointer: '#/name', detail: 'Missing.' }],
  };
  const error = await refused(answer(422, problem, { 'X-Request-ID': 'r-1' }));

  assert.ok(error instanceof ApiError);
  assert.equal(error.status, 422);
  assert.equal(error.message, 'Enter a name.');
  assert.deepEqual(error.errors, problem.errors);
  assert.equal(error.requestId, 'r-1');
  assert.equal(advice(error), 'Enter a name.');
});

test("a proxy's page of HTML is a refusal like any other", async () => {
  const page = new Response('<h1>Bad gateway</h1>', {
    status: 502,
    headers: { 'Content-Type': 'text/html' },
  });
  const error = await refused(page);

  assert.equal(statusOf(error), 502);
  assert.match(advice(error), /^The server had a problem\./);
});

test('a fault of the server is told with its number', async () => {
  assert.match(advice(await refused(answer(500, {}, { 'X-Request-ID': 'r-42' }))), /this number: r-42\.$/);
});

test('an ended session is noticed, and a wrong password ends none', async () => {
  noteSignedIn();
  answering(answer(401, { detail: 'Wrong.' }), answer(401, { detail: 'Gone.' }));
  await assert.rejects(request('/api/authenticate', { method: 'POST', body: {} }));
  assert.equal(seemsSignedIn(), true);
  await assert.rejects(request('/api/id'));
  assert.equal(seemsSignedIn(), false);
});

test('a time to wait is read as seconds and as a date', async () => {
  const wait = async (value) => (await refused(answer(429, {}, { 'Retry-After': value }))).retryAfter;
  assert.equal(await wait('65'), 65);
  assert.equal(await wait('0'), 1);
  assert.equal(await wait('soon'), null);
  const inAMinute = await wait(new Date(Date.now() + 60_000).toUTCString());
  assert.ok(inAMinute > 55 && inAMinute <= 60, String(inAMinute));
  assert.equal(
    advice(await refused(answer(429, {}, { 'Retry-After': '65' }))),
    'Too many requests. Try again in 1 min 5 s.',
  );
  assert.equal(advice(await refused(answer(429, {}))), 'Too many requests. Wait a moment, then try again.');
});

test("no answer at all is told in the lesson's words", async () => {
  const error = await refused(new TypeError('Failed to fetch'));

  assert.ok(error instanceof NetworkError);
  assert.equal(error.message, 'TypeError: Failed to fetch: https://class.example.org/api/users/');
  assert.equal(headline(error), 'The server isn’t responding');
  assert.doesNotMatch(advice(error), /FRONTEND_ORIGINS/);
  setOnline(false);
  assert.equal(headline(error), 'You seem to be offline');
});

test('a request that was called off is no failure of the network', async () => {
  const error = await refused(new DOMException('Called off.', 'AbortError'));
  assert.equal(isCalledOff(error), true);
  assert.equal(isCalledOff(new NetworkError(error, '')), false);
});

test('a fault of the page is told without its words', () => {
  assert.match(advice(new TypeError('x is undefined')), /^This page has a problem\./);
  assert.equal(statusOf(new TypeError('x')), null);
});

test('what needs the password again is sent again once it was given', async () => {
  const needed = () => answer(403, {}, { 'X-Confirmation': 'required' });
  let asked = answering(needed(), answer(200, { done: true }));
  client.onConfirmationNeeded(async () => true);
  assert.deepEqual((await request('/api/users/7', { method: 'DELETE' })).data, { done: true });
  assert.equal(asked.length, 2);

  asked = answering(needed());
  client.onConfirmationNeeded(async () => false);
  await assert.rejects(request('/api/users/7', { method: 'DELETE' }), { status: 403 });
  assert.equal(asked.length, 1);
});

test('the next page is found in the link that leads to it', () => {
  const link = (value) => nextCursor(new Headers(value && { Link: value }));
  assert.equal(link('<https://class.example.org/api/users/?limit=50&cursor=a%2Bb>; rel="next"'), 'a+b');
  assert.equal(link('</api/users/?cursor=c>; rel=next, </api/users/>; rel="first"'), 'c');
  assert.equal(link('</api/users/>; rel="first"'), null);
  assert.equal(link(undefined), null);
});

test('the API is on the same origin, or at its port beside the pages of port 4100', async () => {
  for (const [page, api] of [
    ['https://class.example.org/users/', 'https://class.example.org'],
    ['http://localhost:4100/', 'http://localhost:8086'],
    ['http://127.0.0.1:4100/', 'http://127.0.0.1:8086'],
    ['http://192.168.1.7:4100/', 'http://192.168.1.7:4100'],
  ]) {
    openPage('', { url: page });
    assert.equal((await loadAnew('assets/js/api/config.js')).uri, api, page);
  }
  openPage();
});
