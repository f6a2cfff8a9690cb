import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { load, openPage } from './browser.js';

openPage();
const session = await load('assets/js/api/session.js');

beforeEach(() => localStorage.clear());

test('a browser remembers whether somebody is signed in, and whether they are staff', () => {
  assert.deepEqual([session.seemsSignedIn(), session.seemsStaff()], [false, false]);
  session.noteSignedIn({ role: 'Teacher' });
  assert.deepEqual([session.seemsSignedIn(), session.seemsStaff()], [true, true]);
  session.noteSignedIn();
  assert.equal(session.seemsStaff(), true, 'an answer about somebody else changes nothing');
  session.noteSignedIn({ role: 'User' });
  assert.deepEqual([session.seemsSignedIn(), session.seemsStaff()], [true, false]);
  session.noteSignedOut();
  assert.equal(session.seemsSignedIn(), false);
});

test('whoever listens hears of each change once', () => {
  let heard = 0;
  session.onSessionChange(() => {
    heard += 1;
  });
  session.noteSignedIn({ role: 'User' });
  session.noteSignedIn({ role: 'User' });
  session.noteSignedOut();
  session.noteSignedOut();
  assert.equal(heard, 2);
});

test('after signing in one goes to a page of this site, and to no other', () => {
  const root = session.root.href;
  const path = new URL(root).pathname;
  const next = (value) => session.nextAddress(`?next=${encodeURIComponent(value)}`);
  assert.equal(next(`${path}project/?id=7`), new URL('project/?id=7', root).href);
  const users = new URL('users/', root).href;
  for (const value of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '',
    `${path}../x`,
  ]) {
    assert.equal(next(value), users, value);
  }
  assert.equal(session.nextAddress(''), users);
});
