import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, openPage } from './browser.js';

// A module reads its page's language once, so this is a file of its own.
openPage('', { language: 'es' });
const { ago, exactly, onDay } = await load('assets/js/times.js');
const { sized } = await load('assets/js/sizes.js');

test("moments and sizes are told in the page's language, whatever the browser's is", () => {
  const moment = new Date(2026, 10, 24, 14, 5);
  assert.equal(ago(new Date(Date.now() - 3 * 3_600_000 - 500)), 'hace 3 horas');
  assert.equal(ago(new Date()), 'ahora mismo');
  assert.match(onDay(moment), /24 nov 2026/);
  assert.match(exactly(moment), /14:05/);
  assert.equal(sized(1_234_567), '1,2 MB');
});
