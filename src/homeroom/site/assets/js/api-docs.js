// The API's description (OpenAPI 3.1) as a page: by tag, each operation with an example to copy. The description
// is in English, and marked so on pages of other languages.

import { request } from './api/client.js';
import { uri } from './api/config.js';
import { clearFailure, showFailure } from './components/failure.js';
import { byId, element, fromTemplate, within } from './dom.js';
import { t } from './texts.js';

/** @type {OpenApi.HttpMethod[]} */
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const MAX_DEPTH = 3; // a schema may name itself

/** @typedef {OpenApi.Operation & { path: string, method: OpenApi.HttpMethod }} Placed */
/** @typedef {OpenApi.Tag & { operations: Placed[] }} Group */

/** @type {OpenApi.Components} */
let components = {};

addEventListener('hashchange', openFromAddress);
load();

async function load() {
  try {
    const { data: api } = await request('/api/openapi.json');
    components = api.components ?? {};
    byId('operations').replaceChildren(...groups(api).map(section));
    clearFailure(byId('failure'));
    openFromAddress();
  } catch (error) {
    showFailure(byId('failure'), error, { retry: load });
  }
  byId('loading').hidden = true;
}

/**
 * The operations by their first tag, in the order in which the description names the tags.
 *
 * @param {OpenApi.Document} api
 */
function groups(api) {
  /** @type {Map<string, Group>} */
  const byTag = new Map((api.tags ?? []).map((tag) => [tag.name, { ...tag, operations: [] }]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const method of METHODS) {
      const operation = methods[method];
      if (!operation) continue;
      const name = operation.tags?.[0] ?? t('docs.other');
      const group = byTag.get(name) ?? { name, operations: [] };
      const parameters = [...(methods.parameters ?? []), ...(operation.parameters ?? [])];
      group.operations.push({ ...operation, path, method, parameters });
      byTag.set(name, group);
    }
  }
  return [...byTag.values()].filter((tag) => tag.operations.length);
}

/** @param {Group} tag */
function section(tag) {
  const heading = element('h2', { lang: 'en' }, tag.name);
  const about = tag.description
    ? [element('p', { class: 'hint', lang: 'en' }, ...inline(tag.description))]
    : [];
  return element('section', { class: 'group' }, heading, ...about, ...tag.operations.map(operationCard));
}

/** @param {Placed} operation */
function operationCard(operation) {
  const card = fromTemplate('operation');
  card.id = `${operation.method}-${operation.path.replace(/\W+/g, '-').replace(/^-|-$/g, '')}`;
  const method = within(card, '.method');
  method.textContent = operation.method.toUpperCase();
  method.dataset.method = operation.method;
  within(card, '.path').textContent = operation.path;
  within(card, '.purpose').append(...inline(operation.summary ?? ''));
  // Filled when it is opened first: most of a long description is never looked at.
  card.addEventListener(
    'toggle',
    () => {
      within(card, '.operation-body').append(...operationBody(operation));
    },
    { once: true },
  );
  return card;
}

/** @param {Placed} operation */
function operationBody(operation) {
  const body = operation.requestBody?.content?.['application/json']?.schema;
  return [
    ...paragraphs(operation.description),
    ...titled(t('docs.parameters'), parameterTable((operation.parameters ?? []).map(resolveParameter))),
    ...titled(t('docs.body'), body && shape(body)),
    ...titled(t('docs.answers'), answerTable(operation.responses ?? {})),
    ...titled(t('docs.example'), example(operation, body)),
  ];
}

/** @param {string | undefined} text */
function paragraphs(text) {
  return (text ?? '')
    .split(/\n{2,}/)
    .filter(Boolean)
    .map((part) => element('p', { lang: 'en' }, ...inline(part)));
}

/**
 * Text with `code` between backticks: the one piece of Markdown that descriptions need.
 *
 * @param {string} text
 */
function inline(text) {
  return text.split('`').map((part, index) => (index % 2 ? element('code', {}, part) : part));
}

/**
 * @param {string} title
 * @param {HTMLElement | null | undefined} content
 */
function titled(title, content) {
  return content ? [element('h3', {}, title), content] : [];
}

/** @param {OpenApi.Parameter[]} parameters */
function parameterTable(parameters) {
  if (!parameters.length) return null;
  return facts(
    parameters.map((parameter) => [
      term(parameter.name, parameter.required),
      `${parameter.in}, ${typeOf(parameter.schema)}`,
      parameter.description ?? parameter.schema?.description,
    ]),
  );
}

/**
 * The fields of an object, or of each of the objects that may stand in its place.
 *
 * @param {OpenApi.Schema | undefined} reference
 * @returns {HTMLElement}
 */
function shape(reference, depth = 0) {
  const schema = resolveSchema(reference);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices && depth < MAX_DEPTH) {
    const parts = choices.flatMap((choice) => [
      element('p', { class: 'kind' }, typeOf(choice)),
      ...(resolveSchema(choice).properties ? [shape(choice, depth + 1)] : []),
    ]);
    return element('div', {}, ...parts);
  }
  if (schema.type === 'array') return shape(schema.items, depth + 1);
  if (!schema.properties) return element('p', {}, typeOf(schema));
  return facts(
    Object.entries(schema.properties).map(([name, property]) => [
      term(name, schema.required?.includes(name)),
      typeOf(property),
      resolveSchema(property).description,
    ]),
  );
}

/** @param {Record<string, OpenApi.Answer | OpenApi.Reference>} responses */
function answerTable(responses) {
  return facts(
    Object.entries(responses).map(([status, reference]) => {
      const response = resolveAnswer(reference);
      const schema = Object.values(response.content ?? {})[0]?.schema;
      const fields = status.startsWith('2') && schema ? [shape(schema)] : [];
      return [element('code', {}, status), schema ? typeOf(schema) : '', response.description, ...fields];
    }),
  );
}

/**
 * Rows of a term, its kind, what it means, and more where there is more.
 *
 * @param {[HTMLElement, string, string | undefined, ...HTMLElement[]][]} rows
 */
function facts(rows) {
  const items = rows.map(([name, kind, meaning, ...more]) => {
    const about = element('span', { class: 'kind' }, kind);
    const meant = meaning ? [' ', element('span', { lang: 'en' }, ...inline(meaning))] : [];
    return element('div', {}, element('dt', {}, name), element('dd', {}, about, ...meant, ...more));
  });
  return element('dl', { class: 'fields' }, ...items);
}

/**
 * @param {string} name
 * @param {boolean | undefined} required
 */
function term(name, required) {
  const made = element('span', {}, element('code', {}, name));
  if (required) made.append(element('span', { class: 'required' }, ` ${t('docs.required')}`));
  return made;
}

/**
 * What stands behind `{"$ref": "#/components/schemas/User"}`; it is called as it is there.
 *
 * @param {object} part
 */
function resolve(part) {
  const [kind = '', name = ''] = '$ref' in part ? String(part.$ref).split('/').slice(-2) : [];
  const found = components[kind]?.[name];
  return found ? { title: name, ...found } : part;
}

/** @param {OpenApi.Schema | undefined} part */
function resolveSchema(part) {
  return /** @type {OpenApi.Schema} */ (resolve(part ?? {}));
}

/** @param {OpenApi.Parameter | OpenApi.Reference} part */
function resolveParameter(part) {
  return /** @type {OpenApi.Parameter} */ (resolve(part));
}

/** @param {OpenApi.Answer | OpenApi.Reference} part */
function resolveAnswer(part) {
  return /** @type {OpenApi.Answer} */ (resolve(part));
}

/**
 * A schema in a few words: "User", "list of User", "string, 1 to 80 characters".
 *
 * @param {OpenApi.Schema | undefined} reference
 * @returns {string}
 */
function typeOf(reference, depth = 0) {
  const schema = resolveSchema(reference);
  if (reference?.$ref && schema.properties) return schema.title ?? '';
  if (depth > MAX_DEPTH) return 'object';
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return either(choices.map((choice) => typeOf(choice, depth + 1)));
  if (schema.enum) return either(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.type === 'array') return t('docs.list_of', { type: typeOf(schema.items, depth + 1) });
  const type = either([schema.type ?? 'any'].flat());
  return [type, schema.format, limits(schema)].filter(Boolean).join(', ');
}

/** @param {string[]} types */
function either(types) {
  return types.reduce((one, other) => t('docs.or', { one, other }));
}

/** @param {OpenApi.Schema} schema */
function limits({ minLength, maxLength, minimum: low, maximum: high }) {
  if (minLength !== undefined || maxLength !== undefined) return lengths(minLength, maxLength);
  if (low !== undefined && high !== undefined) return t('docs.range', { low, high });
  if (low !== undefined) return t('docs.at_least', { low });
  return high === undefined ? '' : t('docs.at_most', { high });
}

/**
 * @param {number | undefined} low
 * @param {number | undefined} high
 */
function lengths(low, high) {
  if (low !== undefined && high !== undefined) return t('docs.range_characters', { low, high });
  if (low !== undefined) return t('docs.at_least_characters', { low });
  return high === undefined ? '' : t('docs.at_most_characters', { high });
}

/**
 * A made-up value that fits a schema, to begin with.
 *
 * @param {OpenApi.Schema | undefined} reference
 * @returns {unknown}
 */
function sample(reference, depth = 0) {
  const schema = resolveSchema(reference);
  const given = schema.example ?? schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  if (given !== undefined || depth > MAX_DEPTH) return given ?? null;
  const choice = (schema.anyOf ?? schema.oneOf)?.[0];
  if (choice) return sample(choice, depth + 1);
  const type = [schema.type].flat()[0];
  if (type === 'array') return [sample(schema.items, depth + 1)];
  if (type === 'string') return schema.format === 'date' ? '2010-02-28' : '…';
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return true;
  const wanted = Object.entries(schema.properties ?? {}).filter(
    ([name]) => !schema.required || schema.required.includes(name),
  );
  return Object.fromEntries(wanted.map(([name, part]) => [name, sample(part, depth + 1)]));
}

/**
 * @param {Placed} operation
 * @param {OpenApi.Schema | undefined} body
 */
function example(operation, body) {
  const made = fromTemplate('example');
  const code = within(made, 'code');
  code.textContent = fetchCode(operation, body);
  const button = within(made, '.copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent ?? '');
      button.textContent = t('docs.copied');
    } catch {
      // No permission, or plain http on a named host: what is selected, Ctrl+C copies.
      getSelection()?.selectAllChildren(code);
      button.textContent = t('docs.press');
    }
    setTimeout(() => {
      button.textContent = t('common.copy');
    }, 2000);
  });
  return made;
}

/**
 * @param {Placed} operation
 * @param {OpenApi.Schema | undefined} body
 */
function fetchCode(operation, body) {
  const path = operation.path.replace(/{\w+}/g, '1');
  const changes = [];
  if (operation.method !== 'get') changes.push(`method: '${operation.method.toUpperCase()}'`);
  if (body) changes.push(`body: JSON.stringify(${JSON.stringify(sample(body), null, 2)})`);
  const asked = changes.length
    ? `{\n  ...options,\n  ${changes.join(',\n').replaceAll('\n', '\n  ')},\n}`
    : 'options';
  return [
    "import { uri, options } from './assets/js/api/config.js';",
    '',
    `// ${t('docs.uri_is', { uri })}`,
    `const response = await fetch(uri + '${path}', ${asked});`,
    'console.log(response.status, await response.json());',
  ].join('\n');
}

/** `#get-api-users` opens that operation: an address to give to a classmate. */
function openFromAddress() {
  const card = document.getElementById(location.hash.slice(1));
  if (card instanceof HTMLDetailsElement) {
    card.open = true;
    card.scrollIntoView();
  }
}
