// The API's description (OpenAPI 3.1) as a page: by tag, each operation with an example to copy.

import { advice, request } from './api/client.js';
import { uri } from './api/config.js';
import { headline } from './components/failure.js';
import { element, fromTemplate } from './dom.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const MAX_DEPTH = 3; // a schema may name itself

const byId = (id) => document.getElementById(id);
let components = {};

try {
  const { data: api } = await request('/api/openapi.json');
  components = api.components ?? {};
  byId('operations').replaceChildren(...groups(api).map(section));
  openFromAddress();
  addEventListener('hashchange', openFromAddress);
} catch (error) {
  byId('failure-title').textContent = headline(error);
  byId('failure-advice').textContent = advice(error);
  byId('failure').hidden = false;
} finally {
  byId('loading').hidden = true;
}

/** The operations by their first tag, in the order in which the description names the tags. */
function groups(api) {
  const byTag = new Map((api.tags ?? []).map((tag) => [tag.name, { ...tag, operations: [] }]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => methods[name])) {
      const operation = methods[method];
      const name = operation.tags?.[0] ?? 'Other';
      if (!byTag.has(name)) byTag.set(name, { name, operations: [] });
      const parameters = [...(methods.parameters ?? []), ...(operation.parameters ?? [])];
      byTag.get(name).operations.push({ ...operation, path, method, parameters });
    }
  }
  return [...byTag.values()].filter((tag) => tag.operations.length);
}

function section(tag) {
  const heading = element('h2', {}, tag.name);
  const about = tag.description ? [element('p', { class: 'hint' }, ...inline(tag.description))] : [];
  return element('section', { class: 'group' }, heading, ...about, ...tag.operations.map(operationCard));
}

function operationCard(operation) {
  const card = fromTemplate('operation');
  card.id = `${operation.method}-${operation.path.replace(/\W+/g, '-').replace(/^-|-$/g, '')}`;
  const method = card.querySelector('.method');
  method.textContent = operation.method.toUpperCase();
  method.dataset.method = operation.method;
  card.querySelector('.path').textContent = operation.path;
  card.querySelector('.purpose').append(...inline(operation.summary ?? ''));
  // Filled when it is opened first: most of a long description is never looked at.
  card.addEventListener(
    'toggle',
    () => {
      card.querySelector('.operation-body').append(...operationBody(operation));
    },
    { once: true },
  );
  return card;
}

function operationBody(operation) {
  const body = operation.requestBody?.content?.['application/json']?.schema;
  return [
    ...paragraphs(operation.description),
    ...titled('Parameters', parameterTable(operation.parameters.map(resolve))),
    ...titled('Body', body && shape(body)),
    ...titled('Answers', answerTable(operation.responses ?? {})),
    ...titled('Example', example(operation, body)),
  ];
}

function paragraphs(text) {
  return (text ?? '')
    .split(/\n{2,}/)
    .filter(Boolean)
    .map((part) => element('p', {}, ...inline(part)));
}

/** Text with `code` between backticks: the one piece of Markdown that descriptions need. */
function inline(text) {
  return text.split('`').map((part, index) => (index % 2 ? element('code', {}, part) : part));
}

function titled(title, content) {
  return content ? [element('h3', {}, title), content] : [];
}

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

/** The fields of an object, or of each of the objects that may stand in its place. */
function shape(reference, depth = 0) {
  const schema = resolve(reference);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices && depth < MAX_DEPTH) {
    const parts = choices.flatMap((choice) => [
      element('p', { class: 'kind' }, typeOf(choice)),
      ...(resolve(choice).properties ? [shape(choice, depth + 1)] : []),
    ]);
    return element('div', {}, ...parts);
  }
  if (schema.type === 'array') return shape(schema.items, depth + 1);
  if (!schema.properties) return element('p', {}, typeOf(schema));
  return facts(
    Object.entries(schema.properties).map(([name, property]) => [
      term(name, schema.required?.includes(name)),
      typeOf(property),
      resolve(property).description,
    ]),
  );
}

function answerTable(responses) {
  return facts(
    Object.entries(responses).map(([status, reference]) => {
      const response = resolve(reference);
      const schema = Object.values(response.content ?? {})[0]?.schema;
      const fields = status.startsWith('2') && schema ? [shape(schema)] : [];
      return [element('code', {}, status), schema ? typeOf(schema) : '', response.description, ...fields];
    }),
  );
}

/** Rows of a term, its kind, what it means, and more where there is more. */
function facts(rows) {
  const items = rows.map(([name, kind, meaning, ...more]) => {
    const about = element('span', { class: 'kind' }, kind);
    const meant = meaning ? [' ', ...inline(meaning)] : [];
    return element('div', {}, element('dt', {}, name), element('dd', {}, about, ...meant, ...more));
  });
  return element('dl', { class: 'fields' }, ...items);
}

function term(name, required) {
  const made = element('span', {}, element('code', {}, name));
  if (required) made.append(element('span', { class: 'required' }, ' required'));
  return made;
}

/** What stands behind `{"$ref": "#/components/schemas/User"}`. */
function resolve(part) {
  const [kind, name] = part?.$ref?.split('/').slice(-2) ?? [];
  const found = components[kind]?.[name];
  return found ? { title: name, ...found } : (part ?? {});
}

/** A schema in a few words: "User", "list of User", "string, 1 to 80 characters". */
function typeOf(reference, depth = 0) {
  const schema = resolve(reference);
  if (reference?.$ref && schema.properties) return schema.title;
  if (depth > MAX_DEPTH) return 'object';
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => typeOf(choice, depth + 1)).join(' or ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items, depth + 1)}`;
  const type = [schema.type ?? 'any'].flat().join(' or ');
  return [type, schema.format, limits(schema)].filter(Boolean).join(', ');
}

function limits(schema) {
  const [low, high, unit] =
    'maxLength' in schema || 'minLength' in schema
      ? [schema.minLength, schema.maxLength, ' characters']
      : [schema.minimum, schema.maximum, ''];
  if (low !== undefined && high !== undefined) return `${low} to ${high}${unit}`;
  if (low !== undefined) return `${low} or more${unit}`;
  return high === undefined ? '' : `up to ${high}${unit}`;
}

/** A made-up value that fits a schema, to begin with. */
function sample(reference, depth = 0) {
  const schema = resolve(reference);
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

function example(operation, body) {
  const made = fromTemplate('example');
  const code = made.querySelector('code');
  code.textContent = fetchCode(operation, body);
  const button = made.querySelector('.copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = 'Copied';
    } catch {
      // No permission, or plain http on a named host: what is selected, Ctrl+C copies.
      getSelection().selectAllChildren(code);
      button.textContent = 'Press Ctrl+C';
    }
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 2000);
  });
  return made;
}

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
    `// uri is ${uri} here`,
    `const response = await fetch(uri + '${path}', ${asked});`,
    'console.log(response.status, await response.json());',
  ].join('\n');
}

/** `#get-api-users` opens that operation: an address to give to a classmate. */
function openFromAddress() {
  const card = document.getElementById(location.hash.slice(1));
  if (card?.matches('.operation')) {
    card.open = true;
    card.scrollIntoView();
  }
}
