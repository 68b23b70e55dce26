// Who is signed in, and requests in their name.

const TIMEOUT_MS = 8000;
const CSRF_HEADER = "Headroom-CSRF";

let session = null;
let onChange = () => {};

// What the coordinator answered, in its own words.
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `status ${status}`);
    this.status = status;
    this.title = problem.title ?? `status ${status}`;
  }
}

export class NoConnection extends Error {
  constructor() {
    super("No connection to the coordinator");
  }
}

export const person = () => session;
export const maySwitch = () => session !== null && session.role !== "read";

// Call back with the session, or null, whenever it begins or ends.
export function watchSession(callback) {
  onChange = callback;
}

// Whether the browser still has a session from before.
export async function resume() {
  try {
    set(await request("GET", "/api/v1/session"));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    set(null);
  }
}

export async function signIn(token) {
  set(await request("POST", "/api/v1/session", { token }));
}

export async function signInByCode(code) {
  set(await request("POST", "/api/v1/session/by-code", { code }));
}

export async function signOut() {
  await request("DELETE", "/api/v1/session");
  set(null);
}

// Send a request and give its document; raises Refusal or NoConnection.
export async function request(method, path, body) {
  const response = await reach(method, path, body);
  const document_ = await content(response);
  if (response.ok) return document_;
  if (response.status === 401 && session) set(null);
  throw new Refusal(response.status, document_ ?? {});
}

async function reach(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (session?.csrf_token && method !== "GET") headers[CSRF_HEADER] = session.csrf_token;
  const options = { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT_MS) };
  try {
    return await fetch(path, options);
  } catch {
    throw new NoConnection(); // refused, reset or timed out: fetch tells no more
  }
}

async function content(response) {
  try {
    return await response.json();
  } catch {
    return null; // 204, or an answer that is cut off
  }
}

function set(found) {
  const ended = session !== null && found === null;
  session = found;
  onChange(found, ended);
}
