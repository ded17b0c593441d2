// The service's HTTP interface, as far as the page uses it.

const FINAL = new Set(["succeeded", "failed", "canceled", "expired"]);
const LONGEST_PAUSE = 15; // seconds between attempts while the service does not answer
const SILENT = "The service does not answer. Is it running, and are you connected to it?";
const UNREADABLE = "The browser cannot read this file any more: it was changed, moved or deleted. Choose it again.";

export const isFinal = (prediction) => FINAL.has(prediction.status);
export const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** An answer that is an error: the service's own words, its code, and whether to ask again. */
export class Refused extends Error {
  constructor(detail, { code = "", status = 0, errors = null, after = 0 } = {}) {
    super(detail);
    Object.assign(this, { code, status, errors, after });
    this.passes = status === 0 || status === 429 || status >= 500;
  }
}

/** Ask for `task` on a file; `sent` is told the share uploaded, 0 to 1. fetch() cannot tell that. */
export function upload(url, file, task, sent, signal) {
  const form = new FormData();
  form.append("task", task);
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.upload.onprogress = (event) => event.lengthComputable && sent(event.loaded / event.total);
    request.onload = () => {
      const after = request.getResponseHeader("Retry-After");
      try {
        resolve(read(request.status, request.responseText, after));
      } catch (error) {
        reject(error);
      }
    };
    request.onerror = async () => reject((await fileFault(file)) ?? new Refused(SILENT));
    request.onabort = () => reject(new DOMException("removed", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** The error for a file that cannot be read, which browsers report as a network error; null when it can. */
export async function fileFault(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return null;
  } catch {
    const fault = new Refused(UNREADABLE, { code: "file_unreadable" });
    fault.passes = false;
    return fault;
  }
}

/** The prediction as it stands, after at most `wait` seconds. */
export async function lookAt(url, wait, signal) {
  const patience = AbortSignal.any([signal, AbortSignal.timeout((wait + 10) * 1000)]);
  const answer = await get(`${url}?wait=${wait}`, patience);
  return read(answer.status, await answer.text(), answer.headers.get("Retry-After"));
}

/** `{ready, checks}`; `checks` names everything a prediction needs. */
export async function readiness(url) {
  const answer = await get(url, AbortSignal.timeout(10_000));
  const body = parse(await answer.text());
  if (!body?.checks) throw new Refused(SILENT);
  return { ready: answer.ok, checks: body.checks };
}

/** Call `ask` until it answers: what passes is asked again, later and later, with `troubled` told. */
export async function persist(ask, troubled, signal) {
  for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !error.passes) throw error;
      troubled(error);
      await sleep(Math.max(pause, error.after));
    }
  }
}

/** A door that lets `width` jobs through at once; the others wait their turn. */
export function door(width) {
  let free = width;
  const waiting = [];
  return async (job) => {
    if (free > 0) free -= 1;
    else await new Promise((enter) => waiting.push(enter));
    try {
      return await job();
    } finally {
      if (waiting.length) waiting.shift()();
      else free += 1;
    }
  };
}

async function get(url, signal) {
  try {
    return await fetch(url, { signal, headers: { Accept: "application/json" }, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(SILENT);
  }
}

function read(status, text, after) {
  const body = parse(text);
  if (status >= 200 && status < 300 && body) return body;
  const { code, errors } = body ?? {};
  const detail = body?.detail || `The service answered ${status} without saying why.`;
  throw new Refused(detail, { code, status, errors, after: Number(after) || 0 });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
