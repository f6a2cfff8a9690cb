import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, openPage } from './browser.js';

openPage();
const { ago, duration, exactly, onDay } = await load('assets/js/times.js');
const { sized } = await load('assets/js/sizes.js');
const DAY_MS = 86_400_000;

test('a time to wait is told in minutes and seconds', () => {
  assert.equal(duration(0), '0 s');
  assert.equal(duration(59), '59 s');
  assert.equal(duration(60), '1 min');
  assert.equal(duration(125), '2 min 5 s');
});

test('a moment is told by how long ago it was, until that says little', () => {
  const before = (milliseconds) => new Date(Date.now() - milliseconds);
  assert.equal(ago(before(0)), 'just now');
  assert.equal(ago(before(60_000)), '1 minute ago');
  assert.equal(ago(before(5 * 60_000 + 500)), '5 minutes ago');
  assert.equal(ago(before(3 * 3_600_000 + 500)), '3 hours ago');
  assert.equal(ago(before(DAY_MS + 500)), 'yesterday');
  assert.equal(ago(before(14 * DAY_MS - 500)), '13 days ago');
  const long = before(15 * DAY_MS);
  assert.equal(ago(long), onDay(long));
});

test('a clock that is behind the server tells no time to come', () => {
  assert.doesNotMatch(ago(new Date(Date.now() + DAY_MS)), /in /);
});

test('a day has no time, and a moment has both', () => {
  const moment = new Date(2026, 10, 24, 14, 5);
  assert.match(onDay(moment), /2026/);
  assert.doesNotMatch(onDay(moment), /05/);
  assert.match(exactly(moment), /2026.*05/);
});

test('a size has the unit that makes it short', () => {
  assert.equal(sized(0), '0 B');
  assert.equal(sized(999), '999 B');
  assert.equal(sized(1000), '1 KB');
  assert.equal(sized(1_234_567), '1.2 MB');
  assert.equal(sized(12_345_678), '12 MB');
  assert.equal(sized(5e15), '5,000 TB');
});
