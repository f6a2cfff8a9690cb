// Importing the roster: first what would become of each row, then the same for good.

import { request } from '../assets/js/api/client.js';
import { clearFailure, showFailure } from '../assets/js/components/failure.js';
import { byId, element, isolated, personal, whileDisabled } from '../assets/js/dom.js';
import { fieldOf, onSubmit } from '../assets/js/forms.js';
import { t } from '../assets/js/texts.js';

const form = byId('roster', HTMLFormElement);
const file = fieldOf(form, 'file');

// What the API calls what becomes of a row, in the words of this page.
const RESULTS = {
  created: t('roster.row_new'),
  updated: t('roster.row_changed'),
  unchanged: t('roster.row_unchanged'),
  conflict: t('roster.row_conflict'),
  rejected: t('roster.row_rejected'),
};

// What the API calls a person's fields.
const FIELDS = { name: t('common.name'), email: t('common.email'), dob: t('account.dob') };

/** @typedef {{ body: Blob, question: URLSearchParams }} Chosen */

/** @type {Chosen | null} */
let chosen = null; // the file and how to read it, as it was looked at

/**
 * Makes the form work; `done` is called once a class was imported.
 *
 * @param {() => unknown} done
 */
export function initRoster(done) {
  onSubmit(form, lookFirst);
  form.addEventListener('input', forget);
  form.addEventListener('input', showFile);
  form.addEventListener('reset', () => setTimeout(showFile)); // the event comes before the field is empty
  byId('forget').addEventListener('click', () => {
    form.reset();
    forget();
    file.focus();
  });
  const button = byId('import', HTMLButtonElement);
  button.addEventListener('click', () => whileDisabled(button, () => importChosen(done)));
}

/** The field itself can't be seen: it would say it in the browser's language. */
function showFile() {
  byId('file-name').textContent = file.files?.[0]?.name ?? t('roster.no_file');
}

function forget() {
  chosen = null;
  byId('report').hidden = true;
}

/** @param {Record<string, string>} values */
async function lookFirst({ date_format: dateFormat }) {
  const question = new URLSearchParams(dateFormat ? { date_format: dateFormat } : {});
  const picked = { body: new Blob([...(file.files ?? [])], { type: 'text/csv' }), question };
  const report = await send(picked, true);
  chosen = picked;
  show(report);
}

/**
 * Somebody chose this ID themselves: only a person can tell whether they are the student of the list.
 *
 * @param {string} uid
 */
function decision(uid) {
  const button = element(
    'button',
    { class: 'button quiet', type: 'button' },
    t('roster.same_person', { uid }),
  );
  button.addEventListener('click', async () => {
    if (!chosen) return;
    button.disabled = true;
    chosen.question.append('same_person', uid);
    try {
      show(await send(chosen, true));
    } catch (error) {
      showFailure(byId('import-failure'), error);
      button.disabled = false;
    }
  });
  return button;
}

/** @param {() => unknown} done */
async function importChosen(done) {
  if (!chosen) return;
  try {
    const report = await send(chosen, false);
    chosen = null;
    show(report);
    form.reset();
    done();
  } catch (error) {
    showFailure(byId('import-failure'), error, { retry: () => importChosen(done) });
  }
}

/**
 * @param {Chosen} chosen
 * @param {boolean} dryRun
 */
async function send({ body, question }, dryRun) {
  const asked = new URLSearchParams(question);
  asked.set('dry_run', String(dryRun));
  return (await request(`/api/roster?${asked}`, { method: 'POST', body })).data;
}

/** @param {Api.Report} report */
function show(report) {
  const { created, updated, unchanged, conflict, rejected, written } = report;
  const counts = [
    t('roster.new', { count: created }),
    t('roster.changed', { count: updated }),
    t('roster.unchanged', { count: unchanged }),
    t('roster.rejected', { count: rejected }),
    ...(conflict ? [t('roster.conflicts', { count: conflict })] : []),
  ].join(', ');
  byId('report-title').textContent = written
    ? t('roster.imported', { counts })
    : t('roster.previewed', { counts });
  byId('report-advice').hidden = !rejected;
  byId('report-notes').replaceChildren(...report.notes.map((note) => element('li', {}, note)));
  byId('report-notes').hidden = !report.notes.length;
  byId('report-rows').replaceChildren(...report.rows.map(row));
  byId('report-decide').hidden = !conflict;
  byId('import').hidden = written || rejected + conflict > 0 || created + updated === 0;
  byId('import').textContent = t('roster.import', { count: created + updated });
  byId('forget').textContent = written ? t('common.done') : t('common.cancel');
  clearFailure(byId('import-failure'));
  byId('report').hidden = false;
  byId('report-title').focus();
}

/** @param {Api.ReportRow} row */
function row({ line, uid, name, result, message, changes }) {
  const changed = changes.map(({ field, old, new: next }) =>
    t('roster.change', {
      field: FIELDS[field],
      old: isolated(old ?? t('roster.none')),
      next: isolated(next),
    }),
  );
  const what = [message, ...changed].filter(Boolean).join('; ');
  return element(
    'tr',
    {},
    element('td', {}, String(line)),
    element('td', {}, personal(name), element('div', { class: 'hint' }, personal(uid))),
    element(
      'td',
      {},
      element('span', { class: `tag ${result}` }, RESULTS[result]),
      what ? element('div', {}, what) : '',
      result === 'conflict' ? decision(uid) : '',
    ),
  );
}
