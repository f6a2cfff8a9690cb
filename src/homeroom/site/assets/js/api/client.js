// Every request of the site goes through here: JSON in, JSON out, failures as errors that explain.

import { options, uri } from './config.js';
import { noteSignedOut } from './session.js';

/** An answer of the API that says no: its problem document (RFC 9457) as an Error. */
export class ApiError extends Error {
  constructor(response, problem) {
    const title = problem.title || response.statusText || `Status ${response.status}`;
    super(problem.detail || problem.message || title);
    this.name = 'ApiError';
    this.status = response.status;
    this.title = title;
    this.detail = this.message;
    this.errors = problem.errors ?? []; // [{ pointer: '#/field', detail }]
    this.requestId = response.headers.get('X-Request-ID');
    this.confirmation = response.headers.get('X-Confirmation') === 'required';
    this.retryAfter = secondsUntil(response.headers.get('Retry-After'));
  }
}

/** The refusal that the API would give, where a page knows it without asking. */
export function refusal(status, detail) {
  return new ApiError(new Response(null, { status }), { detail });
}

/** No answer at all: server stopped, no network, or an origin that the API does not admit. */
export class NetworkError extends Error {
  constructor(cause, url) {
    super(`${cause}: ${url}`, { cause }); // the wording of the lesson: <error>: <url>
    this.name = 'NetworkError';
    this.url = url;
  }
}

/** An address of the API as this page reaches it; what the API names itself begins with a slash. */
export function addressOf(path) {
  return new URL(path, uri);
}

/**
 * Asks the API and gives back `{ data, headers }`. A body is sent as JSON, a Blob as what it is.
 * Throws ApiError, NetworkError, or the browser's AbortError when `signal` fires.
 */
export async function request(path, { method = 'GET', body, signal, headers = {} } = {}) {
  const once = () =>
    reading(path, async (url) => {
      const response = await ask(url, { method, body, signal, headers });
      return accepted(response, url, await readJson(response));
    });
  try {
    return await once();
  } catch (error) {
    // A page on another origin than the API's: the password is needed once more for this.
    if (!error.confirmation || !(await confirmPassword?.())) throw error;
    return once();
  }
}

let confirmPassword = null;

/** Says how a page asks for the password; `ask` gives back whether it was confirmed. */
export function onConfirmationNeeded(ask) {
  confirmPassword = ask;
}

/** Asks the API for a file and gives back its bytes, as a Blob. */
export async function requestFile(path) {
  return reading(path, async (url) => {
    const response = await ask(url, {});
    if (!response.ok) accepted(response, url, await readJson(response));
    return response.blob();
  });
}

/** An answer that came by another way than fetch (see upload.js), read by the same rules. */
export async function readAnswer(response, url) {
  return accepted(response, url, await readJson(response));
}

function ask(url, { method = 'GET', body, signal, headers = {} }) {
  const file = body instanceof Blob;
  return fetch(url, {
    ...options,
    method,
    signal,
    headers: { ...options.headers, ...(file && { 'Content-Type': body.type }), ...headers },
    body: file || body === undefined ? body : JSON.stringify(body),
  });
}

/** What breaks between the question and its answer's last byte is the network's failure. */
async function reading(path, read) {
  const url = addressOf(path);
  try {
    return await read(url);
  } catch (error) {
    if (error instanceof ApiError || error.name === 'AbortError') throw error;
    throw new NetworkError(error, url.origin + url.pathname);
  }
}

function accepted(response, url, data) {
  if (response.ok) return { data, headers: response.headers };
  // A wrong password is a 401 too, but it ends no session.
  if (response.status === 401 && url.pathname !== '/api/authenticate') noteSignedOut();
  throw new ApiError(response, data ?? {});
}

/** What a person can do about a failure, in one or two sentences. */
export function advice(error) {
  if (error instanceof NetworkError) {
    const crossOrigin =
      uri === location.origin
        ? ''
        : ` If it is running, its setting FRONTEND_ORIGINS must hold ${location.origin}.`;
    // A hint only: a computer without a network may well have the server on itself.
    const offline = navigator.onLine ? '' : 'You seem to be offline. ';
    return `${offline}The server could not be reached. Check that you are online and that it is running.${crossOrigin}`;
  }
  if (!(error instanceof ApiError)) {
    reportError(error); // a fault of the page itself belongs into the console, for who mends it
    return 'Something went wrong in this page. Reload it; if that does not help, tell your teacher.';
  }
  if (error.status === 401) return 'You are not signed in, or your session has ended.';
  if (error.status === 429) return `Too many requests. ${waitAdvice(error.retryAfter)}`;
  if (error.status >= 500) {
    const reference = error.requestId ? ` and this number: ${error.requestId}` : '';
    return `The server had a problem. Try again; if it stays, tell your teacher the time${reference}.`;
  }
  return error.detail;
}

/** The time to wait as people say it: "1 min 5 s". */
export function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  if (!minutes) return `${rest} s`;
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}

function waitAdvice(seconds) {
  return seconds ? `Try again in ${duration(seconds)}.` : 'Wait a little and try again.';
}

/** `Retry-After` holds seconds or a date (RFC 9110, section 10.2.3); null when it is not there. */
function secondsUntil(value) {
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
}

/** The body as JSON; null for none, and for a proxy's HTML that was never meant for a program. */
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

/** How many a list holds on all its pages, in words: beyond a thousand matches the server does not count. */
export function totalIn(headers) {
  return headers.get('X-Total-Count') ?? 'more than 1,000';
}

/** The cursor in `Link: <…?cursor=…>; rel="next"` (RFC 8288); null on the last page. */
export function nextCursor(headers) {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(headers.get('Link') ?? '')?.[1];
  return target ? new URL(target, location.href).searchParams.get('cursor') : null;
}
