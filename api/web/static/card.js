// The card of one photograph of the session. Texts from the server and from files are set as text,
// never as HTML.

const WAITING = {
  waiting: "Waiting to be sent …",
  sending: "Sending …",
  queued: "In the queue …",
  processing: "Processing …",
};
const ENDED = {
  failed: "Failed",
  canceled: "Canceled",
  expired: "Expired before it was processed",
};
const STEPS = ["queue", "fetch", "decode", "predict", "write"];
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Returns the score as a percentage; below 1 % with one decimal. */
export function percent(score) {
  return `${(score * 100).toFixed(score > 0 && score < 0.01 ? 1 : 0)}%`;
}

/** Returns the curl command for the same request, quoted for a POSIX shell and for curl. */
export function curlFor(file, task, url) {
  const name = file.name.replace(UNPRINTABLE, "?");
  const path = /^[\p{L}\p{N} ._@%+=:()-]+$/u.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`;
  return `curl -F task=${task} \\\n     -F ${quote(`file=@${path}`)} \\\n     ${quote(`${url}?wait=20`)}`;
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export class Card {
  constructor(file, template) {
    this.file = file;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.leaving = new AbortController();
    this.picture = URL.createObjectURL(file);
    this.#put("h3 bdi", file.name || "pasted image");
    this.#put(".size", bytes(file.size));
    this.#find(".sharp").alt = `Thumbnail of ${file.name}`;
    this.#find(".remove").setAttribute("aria-label", `Remove ${file.name}`);
    for (const image of this.element.querySelectorAll("img")) this.#picture(image);
    this.stage("waiting");
  }

  /** Shows a stage of WAITING; `share` is the part of the bytes sent, for `sending`. */
  stage(name, share = null) {
    this.element.dataset.stage = "waiting";
    this.#put(".answer", WAITING[name]);
    this.#find(".again").hidden = true;
    const progress = this.#find("progress");
    progress.hidden = share === null;
    if (share !== null) progress.value = share;
  }

  /** Shows a prediction that the service has returned. */
  row(prediction, url) {
    const link = this.#find(".json");
    link.href = url;
    link.hidden = false;
    this.#why(prediction.error?.detail, prediction.error?.code);
    if (prediction.status in WAITING) return this.stage(prediction.status);
    this.#find("progress").hidden = true;
    this.element.dataset.stage = prediction.status === "succeeded" ? "answered" : "ended";
    const image = prediction.urls?.image;
    if (image) this.preview = `${new URL(image).pathname}/preview`;
    this.#showPreview();
    if (prediction.status === "succeeded") this.#answer(prediction);
    else this.#put(".answer", ENDED[prediction.status] ?? prediction.status);
    this.#times(prediction.timings ?? {});
    const { model, cached } = prediction;
    if (model) this.#put(".model", `${model.name} ${model.version}${cached ? ", cached result" : ""}`);
    return undefined;
  }

  /** Shows an error; `again` is true if sending the same file again may succeed. */
  refused(error, again) {
    this.element.dataset.stage = "ended";
    this.#find("progress").hidden = true;
    this.#put(".answer", error.status ? "Not accepted" : "Not sent");
    this.#why(error.message, error.code, error.errors);
    this.#find(".again").hidden = !again;
  }

  /** Shows that the service cannot be reached and that the request is repeated. */
  troubled(error) {
    this.#why(`${error.message} Trying again …`, error.code);
  }

  command(text) {
    this.#put("details code", text);
  }

  /** The card in one sentence, for screen readers. */
  get sentence() {
    const texts = this.element.querySelectorAll(".answer, .why:not([hidden]) > span, .labels li:first-child > span");
    const words = [...texts].map((each) => each.textContent).filter(Boolean);
    return `${this.file.name}: ${words.join(", ")}`;
  }

  remove() {
    this.leaving.abort();
    this.element.remove();
    URL.revokeObjectURL(this.picture);
  }

  #answer({ result }) {
    const labels = result?.labels ?? [];
    this.#put(".answer", labels.length ? "" : "No known object");
    this.#find(".labels").replaceChildren(...labels.map(bar));
  }

  #times(timings) {
    const known = STEPS.filter((step) => Number.isFinite(timings[step]));
    this.#find(".times").hidden = known.length === 0;
    const parts = known.map((step) => {
      const part = make("span", step);
      part.style.flexGrow = timings[step] * 1e6; // a sum below 1 would not fill the strip
      return part;
    });
    this.#find(".strip").replaceChildren(...parts);
    const words = known.map((step) => {
      const pair = make("div", step);
      pair.append(make("dt", "", step), make("dd", "", milliseconds(timings[step])));
      return pair;
    });
    this.#find(".times dl").replaceChildren(...words);
  }

  #why(detail, code, errors) {
    this.#find(".why").hidden = !detail;
    this.#put(".why span", [detail, ...fieldErrors(errors)].filter(Boolean).join(" "));
    this.#put(".why code", code ?? "");
  }

  #picture(image) {
    image.onerror = () => {
      this.element.classList.add("unseeable");
      this.#showPreview();
    };
    image.src = this.picture;
  }

  /** Replaces a file that the browser cannot show, such as a HEIC, by the service's preview. */
  #showPreview() {
    if (!this.preview || !this.element.classList.contains("unseeable")) return;
    for (const image of this.element.querySelectorAll("img")) {
      image.onload = () => this.element.classList.remove("unseeable");
      image.onerror = null;
      image.src = this.preview;
    }
  }

  #put(where, text) {
    this.#find(where).textContent = text;
  }

  #find(where) {
    return this.element.querySelector(where);
  }
}

function bar({ name, score }) {
  const item = make("li");
  item.style.setProperty("--score", score);
  item.append(make("span", "name", name), make("span", "score", percent(score)));
  return item;
}

function fieldErrors(errors) {
  return Object.entries(errors ?? {}).map(([field, texts]) => `${field}: ${[texts].flat(3).join(", ")}.`);
}

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

function milliseconds(seconds) {
  const value = seconds * 1000;
  if (value >= 10_000) return `${seconds.toFixed(1)} s`;
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function bytes(count) {
  if (count < 1024) return `${count} B`;
  return count < 1024 ** 2 ? `${Math.round(count / 1024)} KiB` : `${(count / 1024 ** 2).toFixed(1)} MiB`;
}
