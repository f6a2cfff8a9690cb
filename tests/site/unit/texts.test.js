import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { loadAnew, openPage, setTexts } from './browser.js';

const TEXTS = {
  plain: 'Next',
  range: '{first}–{last} of {total}',
  found: { one: '{count} person found.', other: '{count} people found.' },
  by: '{project} by {person}',
};
/** @type {string[]} */
let reported = [];

beforeEach(() => {
  reported = [];
});

/** The module as a page of that language loads it. */
async function opened(language = 'en', texts = TEXTS, languages = ['en-US']) {
  openPage('', { language, languages });
  setTexts(document, texts);
  globalThis.reportError = (error) => reported.push(error.message);
  return loadAnew('assets/js/texts.js');
}

test('a text is given with its values', async () => {
  const { t } = await opened();
  assert.equal(t('plain'), 'Next');
  assert.equal(t('range', { first: 1, last: 50, total: '120' }), '1–50 of 120');
  assert.equal(
    t('range', { first: '{last}', last: '$&', total: '' }),
    '{last}–$& of ',
    'values are no patterns',
  );
  assert.deepEqual(reported, []);
});

test('numbers are written, and plural forms chosen, as the language does', async () => {
  const english = await opened();
  assert.equal(english.t('found', { count: 0 }), '0 people found.');
  assert.equal(english.t('found', { count: 1 }), '1 person found.');
  assert.equal(english.t('found', { count: 12_345 }), '12,345 people found.');
  const found = { one: 'una persona', other: '{count} personas' };
  const spanish = await opened('es', { found });
  assert.equal(spanish.t('found', { count: 1 }), 'una persona');
  assert.equal(spanish.t('found', { count: 12_345 }), '12.345 personas');
  assert.deepEqual([999, 1234, 12_345].map(spanish.numeral), ['999', '1234', '12.345']);
});

test('a form that a catalogue leaves out is the other one', async () => {
  const { t } = await opened('es');
  assert.match(t('found', { count: 1_000_000 }), /^1.000.000 people/, 'Spanish has "many", too');
});

test('a value may be an element', async () => {
  const { pieces } = await opened();
  const person = document.createElement('a');
  assert.deepEqual(pieces('by', { project: 'Kite', person }), ['Kite', ' by ', person]);
});

test('a text or a value that is missing is reported, and the page goes on', async () => {
  const { t } = await opened();
  assert.equal(t('nothing.here'), 'nothing.here');
  assert.equal(t('by', { project: 'Kite' }), 'Kite by {person}');
  assert.deepEqual(reported, [
    'This page has no text "nothing.here" in "en".',
    'A text needs the value "person".',
  ]);
});

test("a page without texts, such as a student's own, loads its modules all the same", async () => {
  openPage();
  document.getElementById('texts')?.remove();
  const { locale } = await loadAnew('assets/js/texts.js');
  assert.equal(locale, 'en-US');
});

test("dates follow the page's language, in the reader's own variety of it", async () => {
  assert.equal((await opened('en', TEXTS, ['de-AT', 'en-GB', 'en-US'])).locale, 'en-GB');
  assert.equal((await opened('es', TEXTS, ['de-AT', 'en-GB'])).locale, 'es');
});
