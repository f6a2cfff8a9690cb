import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { load, openPage, setBody } from './browser.js';

openPage();
const { byId, element, fromTemplate, isolated, personal, within } = await load('assets/js/dom.js');
const { contentFragment, outsideLink, safeAddress } = await load('assets/js/components/content.js');
const { showFailure } = await load('assets/js/components/failure.js');
const { refusal } = await load('assets/js/api/client.js');
const { largePortrait, tone } = await load('assets/js/components/person.js');
const { fieldOf, markField, onSubmit, passwordIsRight, valuesOf } = await load('assets/js/forms.js');

beforeEach(() => {
  localStorage.clear();
  document.body.replaceChildren();
});

test('an element is found by its id and kind, and its absence is told', () => {
  document.body.append(element('button', { id: 'more' }, 'More'));
  assert.equal(byId('more', HTMLButtonElement).textContent, 'More');
  assert.throws(() => byId('less'), /no HTMLElement with the id "less"/);
  assert.throws(() => byId('more', HTMLInputElement), /no HTMLInputElement with the id "more"/);
  assert.throws(() => within(document.body, '.row'), /"\.row"/);
});

test('text stays text', () => {
  const made = element('p', { title: '"><b>' }, '<b>bold</b>', personal('<i>Ada</i>'));
  assert.equal(made.children.length, 1);
  assert.equal(made.textContent, '<b>bold</b><i>Ada</i>');
  assert.equal(made.getAttribute('title'), '"><b>');
});

test('only what runs to the left is isolated', () => {
  assert.equal(isolated('Ada'), 'Ada');
  assert.equal(isolated('ليلى'), '\u2068ليلى\u2069');
});

test('a template is copied, not moved', () => {
  const template = element('template', { id: 'row' });
  template.content.append(element('p', {}, 'one'));
  document.body.append(template);
  fromTemplate('row').textContent = 'changed';
  assert.equal(fromTemplate('row').textContent, 'one');
});

test('written text becomes elements of a short list, with its highest heading below the title', () => {
  const made = contentFragment([
    { tag: 'h3', children: ['Top'] },
    { tag: 'h4', children: ['Below'] },
    { tag: 'script', children: ['alert(1)'] },
    { tag: 'p', children: [{ tag: 'a', attrs: { href: 'javascript:alert(1)' }, children: ['link'] }] },
  ]);
  assert.deepEqual(
    [...made.children].map(({ localName }) => localName),
    ['h2', 'h3', 'span', 'p'],
  );
  assert.equal(made.querySelector('a'), null);
  assert.equal(made.children[0].getAttribute('dir'), 'auto');
});

test('headings within quotations move up with the others', () => {
  const made = contentFragment([
    { tag: 'blockquote', children: [{ tag: 'h3', children: ['Quoted'] }] },
    { tag: 'h4', children: ['Below'] },
  ]);
  assert.ok(made.querySelector('blockquote > h2'));
  assert.ok(made.querySelector('h3'));
});

test('a link whose words are its address is marked, for paper need not repeat it', () => {
  const isBare = (text, href) => outsideLink(href, text).classList.contains('bare');
  assert.ok(isBare('https://example.org', 'https://example.org/'));
  assert.ok(isBare('example.org/kite', 'https://example.org/kite'));
  assert.ok(isBare('ada@example.org', 'mailto:ada@example.org'));
  assert.ok(!isBare('Kites', 'https://example.org/kite'));
  assert.ok(!isBare('example.org', 'https://example.com/'));
});

test('only addresses of the web and of mail become links', () => {
  assert.equal(safeAddress('https://example.org'), 'https://example.org/');
  assert.equal(safeAddress('mailto:ada@example.org'), 'mailto:ada@example.org');
  for (const text of ['javascript:alert(1)', 'data:text/html,x', '/path', '', undefined]) {
    assert.equal(safeAddress(text), null, text);
  }
});

test('initials are those of the first and the last word', () => {
  const initials = (name) => largePortrait({ name }).dataset.initials;
  assert.equal(initials('Ada Lovelace'), 'AL');
  assert.equal(initials('Ada King Lovelace (she/her)'), 'AL');
  assert.equal(initials('Ångström'), 'Å');
  assert.equal(initials('“Grace” O’Brien'), 'GO');
  assert.equal(initials('(she/her)'), 'S');
  assert.equal(tone('ada'), tone('ada'));
});

/** What a failure offers to do. */
function offered(status, options) {
  const place = element('div', { role: 'alert' });
  showFailure(place, refusal(status, 'The reason.'), options);
  return [...place.querySelectorAll('.actions > *')].map(({ textContent }) => textContent);
}

test('a failure offers what helps', () => {
  const retry = () => {};
  assert.deepEqual(offered(401, { retry }), ['Sign in']);
  assert.deepEqual(offered(403, { retry }), ['Go to the start page']);
  assert.deepEqual(offered(404, { retry }), ['Sign in', 'Go to the start page']);
  localStorage.setItem('homeroom.signed-in', 'member');
  assert.deepEqual(offered(404, { retry }), ['Go to the start page']);
  assert.deepEqual(offered(500, { retry }), ['Try again']);
  assert.deepEqual(offered(500, {}), []);
});

test('a page may word what it misses, and give a message word for word', () => {
  const place = element('div', { role: 'alert' });
  showFailure(place, refusal(404), {
    missing: { title: 'No such project', advice: 'Look at the list.' },
    heading: 'h1',
  });
  assert.equal(place.querySelector('h1').textContent, 'No such project');
  showFailure(place, refusal(422, 'The reason.'), { title: 'Database response error: 422' });
  assert.equal(place.querySelector('h2').textContent, 'Database response error: 422');
  assert.match(place.textContent, /The reason\./);
});

const FORM = `<form>
  <div class="form-message"></div>
  <input id="uid" name="uid" required data-missing="Enter your ID."><p class="field-error" id="uid-error" hidden></p>
  <input id="password" name="password" type="password"><p class="field-error" id="password-error" hidden></p>
  <input id="repeat" name="repeat" type="password"><p class="field-error" id="repeat-error" hidden></p>
  <input id="tags" name="tags"><p class="field-error" id="tags-error" hidden></p>
  <button type="submit" disabled data-starting>Send</button>
</form>`;

function makeForm(values = {}) {
  setBody(document, FORM);
  const form = within(document.body, 'form', HTMLFormElement);
  for (const [name, value] of Object.entries(values)) fieldOf(form, name).value = value;
  return form;
}

/** Sends a form, and gives back what is said where. */
async function submitted(form, send, explain) {
  onSubmit(form, send, explain);
  form.dispatchEvent(new Event('submit', { cancelable: true }));
  await new Promise((resolve) => setTimeout(resolve));
  const wrong = [...form.querySelectorAll('.field-error:not([hidden])')];
  return {
    form: form.querySelector('.form-message').textContent,
    ...Object.fromEntries(wrong.map(({ id, textContent }) => [id.replace('-error', ''), textContent])),
  };
}

test('a form is sent with its values, once it can be', async () => {
  const form = makeForm({ uid: 'ada' });
  const sent = [];
  await submitted(form, (values) => sent.push(values));
  assert.deepEqual(sent, [{ uid: 'ada', password: '', repeat: '', tags: '' }]);
  assert.equal(form.querySelector('button').disabled, false);
});

test('a field that must be filled is told beside it, and nothing is sent', async () => {
  const said = await submitted(makeForm(), () => assert.fail('it was sent'));
  assert.deepEqual(said, { form: '', uid: 'Enter your ID.' });
});

test("the API's wrong fields are marked, each at the field that it belongs to", async () => {
  const error = refusal(422, 'Two fields are wrong.');
  error.errors = [
    { pointer: '#/password', detail: 'Too short.' },
    { pointer: '#/tags/2', detail: 'Too long.' },
  ];
  const said = await submitted(makeForm({ uid: 'ada' }), () => Promise.reject(error));
  assert.deepEqual(said, { form: '', password: 'Too short.', tags: 'Too long.' });
});

test('a failure that names no field of the form is told by the form', async () => {
  const form = () => makeForm({ uid: 'ada' });
  const elsewhere = refusal(422, 'The colour is wrong.');
  elsewhere.errors = [{ pointer: '#/colour', detail: 'Unknown.' }];
  assert.deepEqual(await submitted(form(), () => Promise.reject(elsewhere)), {
    form: 'The colour is wrong.',
  });
  const ended = await submitted(form(), () => Promise.reject(refusal(401)));
  assert.deepEqual(ended, { form: 'Your session has ended. Sign in again' });
  const worded = await submitted(
    form(),
    () => Promise.reject(refusal(401)),
    () => 'Wrong ID or password.',
  );
  assert.deepEqual(worded, { form: 'Wrong ID or password.' });
});

test('what was wrong with a field is forgotten when it changes', () => {
  const form = makeForm();
  onSubmit(form, () => {});
  markField(form, 'uid', 'Taken.');
  fieldOf(form, 'uid').dispatchEvent(new Event('input', { bubbles: true }));
  assert.equal(form.querySelector('[aria-invalid]'), null);
  assert.equal(byId('uid-error').hidden, true);
});

test('a new password keeps the rules that stand beside it', () => {
  for (const [password, repeat, right] of [
    ['short', 'short', false],
    ['Ada.Lovelace', 'Ada.Lovelace', false],
    ['a long password', 'another password', false],
    ['a long password', 'a long password', true],
  ]) {
    assert.equal(passwordIsRight(makeForm({ password, repeat }), 'ada.lovelace'), right, password);
  }
  assert.equal(valuesOf(makeForm({ uid: 'x' })).uid, 'x');
});
