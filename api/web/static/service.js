// The part of the HTTP API that the start page uses.

const FINAL = new Set(["succeeded", "failed", "canceled", "expired"]);
const LONGEST_PAUSE = 15; // seconds between attempts while the service does not answer
const SILENT = "The service cannot be reached. Check that it is running and that you are connected.";
const UNREADABLE = "The browser can no longer read this file: it was changed, moved or deleted. Choose it again.";

export const isFinal = (prediction) => FINAL.has(prediction.status);
export const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** An error response: message, code, and whether trying again may succeed. */
export class Refused extends Error {
  constructor(detail, { code = "", status = 0, errors = null, after = 0 } = {}) {
    super(detail);
    Object.assign(this, { code, status, errors, after });
    this.passes = status === 0 || status === 429 || status >= 500;
  }
}

/** Creates a prediction of a file; `sent` is called with the uploaded part, 0 to 1, which fetch() does not report. */
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

/** Returns the error of an unreadable file, which browsers report as a network error, or null. */
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

/** Returns the current prediction after at most `wait` seconds. */
export async function lookAt(url, wait, signal) {
  const patience = AbortSignal.any([signal, AbortSignal.timeout((wait + 10) * 1000)]);
  const answer = await get(`${url}?wait=${wait}`, patience);
  return read(answer.status, await answer.text(), answer.headers.get("Retry-After"));
}

/** Returns `{ready, checks}`; `checks` names what a prediction depends on. */
export async function readiness(url) {
  const answer = await get(url, AbortSignal.timeout(10_000));
  const body = parse(await answer.text());
  if (!body?.checks) throw new Refused(SILENT);
  return { ready: answer.ok, checks: body.checks };
}

/** Calls `ask` until it succeeds; temporary errors are passed to `troubled` and retried with growing pauses. */
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

/** Returns a function that runs at most `width` jobs at once; others wait in order. */
export function semaphore(width) {
  let free = width;
  const waiting = [];
  return async (job) => {
    if (free > 0) free -= 1;
    else await new Promise((start) => waiting.push(start));
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
  const detail = body?.detail || `The service answered ${status} without an explanation.`;
  throw new Refused(detail, { code, status, errors, after: Number(after) || 0 });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
