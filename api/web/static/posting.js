// The service's HTTP interface, as far as the gallery uses it, and who is signed in. Tokens live in
// this tab only.

import { fileFault } from "./service.js";

const TOKENS = "afterimage-tokens";
const SILENT = "The service does not answer. Is it running, and are you connected to it?";

let renewing = null; // under way: a refresh token is good once, and several requests may need it

/** An answer that is an error, in the service's own words. */
export class Refused extends Error {
  constructor(status, problem) {
    const fields = Object.entries(problem?.errors ?? {}).map(([name, said]) => `${name}: ${[said].flat(3).join(", ")}`);
    super([problem?.detail ?? SILENT, ...fields].join(" "));
    this.status = status;
  }
}

export const signedIn = () => JSON.parse(sessionStorage.getItem(TOKENS) ?? "null");

/** Forget the tokens, and have the service do so too. */
export async function signOut(url) {
  const tokens = signedIn();
  forget();
  if (tokens) await asked(url, { method: "DELETE", headers: bearer(tokens) });
}

const forget = () => sessionStorage.removeItem(TOKENS);

/** Keep the tokens of whoever fills in the form. */
export async function signIn(url, form) {
  const fields = new URLSearchParams(new FormData(form));
  fields.set("grant_type", "password");
  const tokens = await asked(url, { method: "POST", body: fields });
  keep({ ...tokens, name: form.elements.username.value });
}

/** The JSON that a request is answered with; null when there is none. Sent by whoever is signed in. */
export async function ask(url, options = {}, refresh = null) {
  const tokens = signedIn();
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

/** The error for the first file of a form that cannot be read; null when all can, or it is no form. */
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
