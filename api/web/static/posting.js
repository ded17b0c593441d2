// The part of the HTTP API that the gallery uses, with log-in. Tokens are kept in this tab only.

import { fileFault } from "./service.js";

const TOKENS = "afterimage-tokens";
const SILENT = "The service cannot be reached. Check that it is running and that you are connected.";

let renewing = null; // a refresh in progress: a refresh token is valid once, and several requests may need it

/** An error response, with the message of the service. */
export class Refused extends Error {
  constructor(status, problem) {
    const fields = Object.entries(problem?.errors ?? {}).map(([name, messages]) => `${name}: ${[messages].flat(3).join(", ")}`);
    super([problem?.detail ?? SILENT, ...fields].join(" "));
    this.status = status;
  }
}

export const loggedIn = () => JSON.parse(sessionStorage.getItem(TOKENS) ?? "null");

/** Drops the tokens and revokes the log-in. */
export async function logOut(url) {
  const tokens = loggedIn();
  forget();
  if (tokens) await asked(url, { method: "DELETE", headers: bearer(tokens) });
}

const forget = () => sessionStorage.removeItem(TOKENS);

/** Logs in with the name and password of the form and keeps the tokens. */
export async function logIn(url, form) {
  const fields = new URLSearchParams(new FormData(form));
  fields.set("grant_type", "password");
  const tokens = await asked(url, { method: "POST", body: fields });
  keep({ ...tokens, name: form.elements.username.value });
}

/** Sends a request with the access token, if there is one; returns the JSON or null for an empty body. */
export async function ask(url, options = {}, refresh = null) {
  const tokens = loggedIn();
  if (!tokens) return asked(url, options);
  try {
    return await asked(url, { ...options, headers: bearer(tokens) });
  } catch (error) {
    if (error.status !== 401 || !refresh) throw error;
    renewing ??= renewed(refresh, tokens).finally(() => (renewing = null));
    return asked(url, { ...options, headers: bearer(await renewing) });
  }
}

const bearer = (tokens) => ({ Authorization: `Bearer ${tokens.access_token}` });

async function renewed(url, tokens) {
  const body = JSON.stringify({ refresh_token: tokens.refresh_token });
  const headers = { "Content-Type": "application/json" };
  try {
    return keep({ name: tokens.name, ...(await asked(url, { method: "POST", body, headers })) });
  } catch (error) {
    forget();
    throw error;
  }
}

function keep(tokens) {
  sessionStorage.setItem(TOKENS, JSON.stringify(tokens));
  return tokens;
}

async function asked(url, options) {
  let answer;
  let text = "";
  try {
    answer = await fetch(url, options);
    text = await answer.text();
  } catch {
    throw (await formFault(options.body)) ?? new Refused(0, null);
  }
  if (!answer.ok) throw new Refused(answer.status, parsed(text));
  return text ? parsed(text) : null;
}

/** Returns the error of the first unreadable file of a form, or null. */
async function formFault(form) {
  if (!(form instanceof FormData)) return null;
  const files = [...form.values()].filter((value) => value instanceof File);
  const faults = await Promise.all(files.map(fileFault));
  return faults.find(Boolean) ?? null;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
