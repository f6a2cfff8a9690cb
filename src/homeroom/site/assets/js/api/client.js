// Every request of the site goes through here: JSON in, JSON out, failures as errors that explain.

import { language, numeral, t } from '../texts.js';
import { options, uri } from './config.js';
import { noteSignedOut } from './session.js';

/** An answer of the API that says no: its problem document (RFC 9457) as an Error. */
export class ApiError extends Error {
  /**
   * @param {Response} response
   * @param {Partial<Api.Problem>} problem
   */
  constructor(response, problem) {
    const title = problem.title || response.statusText || t('failure.status', { status: response.status });
    super(problem.detail || problem.message || title);
    this.name = 'ApiError';
    this.status = response.status;
    this.title = title;
    this.detail = this.message;
    /** @type {Api.FieldProblem[]} of a JSON body's fields: `{ pointer: '#/field', detail }` */
    this.errors = problem.errors ?? [];
    this.requestId = response.headers.get('X-Request-ID');
    this.confirmation = response.headers.get('X-Confirmation') === 'required';
    this.retryAfter = secondsUntil(response.headers.get('Retry-After'));
  }
}

/**
 * The refusal that the API would give, where a page knows it without asking.
 *
 * @param {number} status
 * @param {string} [detail]
 */
export function refusal(status, detail) {
  return new ApiError(new Response(null, { status }), { detail });
}

/** No answer at all: server stopped, no network, or an origin that the API does not admit. */
export class NetworkError extends Error {
  /**
   * @param {unknown} cause
   * @param {string} url
   */
  constructor(cause, url) {
    super(`${cause}: ${url}`, { cause }); // the wording of the lesson: <error>: <url>
    this.name = 'NetworkError';
    this.url = url;
  }
}

/**
 * The API's status in what was thrown; null for everything that is no answer of the API.
 *
 * @param {unknown} error
 */
export function statusOf(error) {
  return error instanceof ApiError ? error.status : null;
}

/**
 * Whether a request was called off by its signal: no failure, somebody wanted something else meanwhile.
 *
 * @param {unknown} error
 */
export function isCalledOff(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}

/**
 * An address of the API as this page reaches it; what the API names itself begins with a slash.
 *
 * @param {string} path
 */
export function addressOf(path) {
  return new URL(path, uri);
}

/**
 * @template {string} Path
 * @template {Api.Method} M
 * @typedef {{ data: Api.Data<Path, M>, headers: Headers }} Answer
 */

/**
 * @template {string} Path
 * @template {Api.Method} M
 * @typedef {object} Question
 * @property {M} [method]
 * @property {Api.Body<Path, M>} [body] sent as JSON, a Blob as what it is
 * @property {AbortSignal} [signal]
 * @property {Record<string, string>} [headers]
 */

/**
 * Asks the API and gives back `{ data, headers }`.
 * Throws ApiError, NetworkError, or the browser's AbortError when `signal` fires.
 *
 * @template {string} Path
 * @template {Api.Method} [M='GET']
 * @param {Path} path
 * @param {Question<Path, M>} [question]
 * @returns {Promise<Answer<Path, M>>}
 */
export async function request(path, question = {}) {
  const once = () =>
    reading(path, async (url) => {
      const response = await ask(url, question);
      return accepted(response, url, await readJson(response));
    });
  try {
    return await once();
  } catch (error) {
    // A page on another origin than the API's: the password is needed once more for this.
    const needed = error instanceof ApiError && error.confirmation;
    if (!needed || !(await confirmPassword?.())) throw error;
    return once();
  }
}

/** @type {(() => Promise<boolean>) | null} */
let confirmPassword = null;

/**
 * Says how a page asks for the password; `ask` gives back whether it was confirmed.
 *
 * @param {() => Promise<boolean>} ask
 */
export function onConfirmationNeeded(ask) {
  confirmPassword = ask;
}

/**
 * Asks the API for a file and gives back its bytes.
 *
 * @param {string} path
 */
export async function requestFile(path) {
  return reading(path, async (url) => {
    const response = await ask(url, {});
    if (!response.ok) accepted(response, url, await readJson(response));
    return response.blob();
  });
}

/**
 * An answer that came by another way than fetch (see upload.js), read by the same rules.
 *
 * @param {Response} response
 * @param {URL} url
 */
export async function readAnswer(response, url) {
  return accepted(response, url, await readJson(response));
}

/**
 * @param {URL} url
 * @param {{ method?: string, body?: unknown, signal?: AbortSignal, headers?: Record<string, string> }} question
 */
function ask(url, { method = 'GET', body, signal, headers = {} }) {
  const file = body instanceof Blob ? body : null;
  return fetch(url, {
    ...options,
    method,
    signal,
    headers: {
      ...options.headers,
      'Accept-Language': language,
      ...(file && { 'Content-Type': file.type }),
      ...headers,
    },
    body: file ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
}

/**
 * What breaks between the question and its answer's last byte is the network's failure.
 *
 * @template Read
 * @param {string} path
 * @param {(url: URL) => Promise<Read>} read
 */
async function reading(path, read) {
  const url = addressOf(path);
  try {
    return await read(url);
  } catch (error) {
    if (error instanceof ApiError || isCalledOff(error)) throw error;
    throw new NetworkError(error, url.origin + url.pathname);
  }
}

/**
 * @param {Response} response
 * @param {URL} url
 * @param {any} data what the OpenAPI document says; the server's own tests hold it to that
 */
function accepted(response, url, data) {
  if (response.ok) return { data, headers: response.headers };
  // A wrong password is a 401 too, but it ends no session.
  if (response.status === 401 && url.pathname !== '/api/authenticate') noteSignedOut();
  throw new ApiError(response, data ?? {});
}

/**
 * `Retry-After` holds seconds or a date (RFC 9110, section 10.2.3); null when it is not there.
 *
 * @param {string | null} value
 */
function secondsUntil(value) {
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
}

/**
 * The body as JSON; null for none, and for a proxy's HTML that was never meant for a program.
 *
 * @param {Response} response
 * @returns {Promise<unknown>}
 */
async function readJson(response) {
  const text = await response.text();
  if (!/[/+]json\b/.test(response.headers.get('Content-Type') ?? '')) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/**
 * How many a list holds on all its pages, in words: beyond a thousand matches the server does not count.
 *
 * @param {Headers} headers
 */
export function totalIn(headers) {
  const total = headers.get('X-Total-Count');
  return total ? numeral(Number(total)) : t('common.more_than_1000');
}

/**
 * The cursor in `Link: <…?cursor=…>; rel="next"` (RFC 8288); null on the last page.
 *
 * @param {Headers} headers
 */
export function nextCursor(headers) {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(headers.get('Link') ?? '')?.[1];
  return target ? new URL(target, location.href).searchParams.get('cursor') : null;
}
