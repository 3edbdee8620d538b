// What the page asks the gateway, and the token that it may need.

const KEY = 'kt-operator-token';

/** A reply that says no. */
export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Keeps the token for this tab; an empty one is forgotten. */
export function keepToken(token) {
  if (token) sessionStorage.setItem(KEY, token);
  else sessionStorage.removeItem(KEY);
}

async function ask(path, options) {
  const headers = { ...options.headers };
  const token = sessionStorage.getItem(KEY);
  if (token) headers.authorization = `Bearer ${token}`;
  const reply = await fetch(`/console/api/${path}`, { ...options, headers, cache: 'no-store', credentials: 'omit' });
  if (reply.ok) return reply.json();
  const { error } = await reply.json().catch(() => ({}));
  const { code = 'unknown', message = `the gateway answered ${reply.status}` } = error ?? {};
  throw new Refused(reply.status, code, message);
}

/** Reads something; parameters without a value are left out. */
export function get(path, parameters = {}, signal) {
  const given = Object.entries(parameters).filter(([, value]) => value !== '' && value != null);
  const query = new URLSearchParams(given).toString();
  return ask(query ? `${path}?${query}` : path, { signal });
}

/** Tries a draft in the playground. */
export function play(draft, signal) {
  const headers = { 'content-type': 'application/json' };
  return ask('play', { method: 'POST', headers, body: JSON.stringify(draft), signal });
}
