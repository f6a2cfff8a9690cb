// Where the API answers, and how every page asks it: `import { uri, options } from '…/config.js'`.

// `homeroom site serve --api URL` writes an origin here; null lets the page find it by itself.
/** @type {string | null} */
const API = null;

// On port 4100 the pages stand beside the API, which has a port of its own. The host's name stays
// the same on both: a cookie of localhost is not sent to 127.0.0.1.
const besideTheApi = location.port === '4100' && ['localhost', '127.0.0.1'].includes(location.hostname);

export const uri = API ?? (besideTheApi ? `http://${location.hostname}:8086` : location.origin);

/** @type {RequestInit & { headers: Record<string, string> }} */
export const options = {
  method: 'GET',
  mode: 'cors',
  cache: 'default',
  credentials: 'include', // without it the browser neither keeps nor sends the cookie
  headers: {
    'Content-Type': 'application/json',
    'X-Origin': 'client',
  },
};

// The names that later lessons use for the same two things.
export { options as fetchOptions, uri as pythonURI };
