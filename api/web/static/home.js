// The start page: photographs are chosen, dropped or pasted; each becomes a card.

import { Card, curlFor } from "./card.js";
import { Refused, semaphore, isFinal, lookAt, persist, readiness, sleep, upload } from "./service.js";

const TASK = "classify";
const MOST_CARDS = 60;
const LONGEST_WAIT = 20; // seconds that one request may wait
const LOOKERS = 3; // with SENDERS at most five: browsers open six connections per server
const SENDERS = 2;
const READY_EVERY = 30; // seconds between readiness checks of a ready service
const MISSING_EVERY = 3; // and of one that is not ready

const byId = (id) => document.getElementById(id);
const { predictions, ready } = document.body.dataset;
const cards = new Set();
const looking = semaphore(LOOKERS);
const sending = semaphore(SENDERS);
let open = 0; // cards without a final state

// ---- one photograph

/** Adds a card per file. The service decides which files are valid images. */
function take(files) {
  for (const file of files) begin(new Card(file, byId("card")));
  byId("cards").firstElementChild?.scrollIntoView({ block: "nearest" });
  if (!files.length) say("No file was found.");
  forgetOldest();
}

function begin(card) {
  cards.add(card);
  byId("cards").prepend(card.element);
  card.command(curlFor(card.file, TASK, new URL(predictions, location.href).href));
  card.element.querySelector(".remove").onclick = () => forget(card, true);
  card.element.querySelector(".again").onclick = () => follow(card);
  follow(card);
}

async function follow(card) {
  const { signal } = card.leaving;
  count(+1);
  card.stage("waiting");
  try {
    const first = await sending(() => send(card, signal));
    const last = await see(card, first, signal);
    card.row(last, `${predictions}/${last.id}`);
    say(card.sentence);
  } catch (error) {
    if (!signal.aborted) refuse(card, error);
  } finally {
    count(-1);
  }
}

function send(card, signal) {
  signal.throwIfAborted();
  card.stage("sending", 0);
  return upload(predictions, card.file, TASK, (share) => card.stage("sending", share), signal);
}

async function see(card, prediction, signal) {
  const url = `${predictions}/${prediction.id}`;
  let row = prediction;
  while (!isFinal(row)) {
    card.row(row, url);
    row = await persist(() => looking(() => look(url, signal)), (error) => card.troubled(error), signal);
  }
  return row;
}

async function look(url, signal) {
  // With many open cards each waits for less time, so that none is delayed by a minute.
  const wait = Math.min(LONGEST_WAIT, Math.ceil((LONGEST_WAIT * LOOKERS) / open));
  const started = performance.now();
  const row = await lookAt(url, wait, signal);
  // A service with too many waiting requests answers at once; pause before the next request.
  if (!isFinal(row) && performance.now() - started < 500) await sleep(1);
  return row;
}

function refuse(card, error) {
  if (!(error instanceof Refused)) throw error;
  card.refused(error, error.passes);
  say(card.sentence);
}

// ---- the list

function forget(card, byHand = false) {
  const sibling = card.element.nextElementSibling ?? card.element.previousElementSibling;
  cards.delete(card);
  card.remove();
  if (byHand) (sibling?.querySelector(".remove") ?? byId("files")).focus();
  refresh();
}

function forgetOldest() {
  const ended = [...cards].filter((card) => card.element.dataset.stage !== "waiting");
  for (const card of ended.slice(0, Math.max(0, cards.size - MOST_CARDS))) forget(card);
}

function count(change) {
  open += change;
  refresh();
}

function refresh() {
  document.title = open ? `(${open}) Afterimage` : "Afterimage";
  byId("nothing").hidden = byId("clear").hidden = cards.size > 0;
  byId("clear").hidden = cards.size === 0;
}

function say(sentence) {
  byId("announcement").textContent = sentence;
}

// ---- the service

async function watch() {
  for (;;) {
    const works = document.hidden || (await lookAtService());
    await sleep(works ? READY_EVERY : MISSING_EVERY);
  }
}

async function lookAtService() {
  try {
    const { ready: works, checks } = await readiness(ready);
    showState(works ? "ready" : "missing", works ? "Ready" : "Not ready");
    showMissing(Object.entries(checks).filter(([, found]) => found !== "ok"));
    return works;
  } catch (error) {
    showState("silent", "Unreachable");
    showMissing([["service", error.message]]);
    return false;
  }
}

function showState(state, words) {
  const element = byId("state");
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.querySelector(".words").textContent = words;
}

function showMissing(missing) {
  byId("missing").hidden = missing.length === 0;
  const pairs = missing.map(([name, found]) => {
    const pair = document.createElement("div");
    pair.append(document.createElement("dt"), document.createElement("dd"));
    pair.firstChild.textContent = name;
    pair.lastChild.textContent = found;
    return pair;
  });
  byId("missing").querySelector("dl").replaceChildren(...pairs);
}

// ---- input

async function copy(button) {
  const text = button.parentElement.querySelector("code").textContent;
  button.textContent = (await toClipboard(text)) ? "Copied" : "Copy failed";
  await sleep(1.5);
  button.textContent = "Copy";
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages over plain HTTP from another machine have no navigator.clipboard.
    const area = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Returns the dropped files without folders, which cannot be read. */
function droppedFiles({ items }) {
  const files = [...items].filter((item) => !item.webkitGetAsEntry?.()?.isDirectory);
  return files.map((item) => item.getAsFile()).filter(Boolean);
}

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

byId("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // so that choosing the same file again is a change
});
byId("clear").addEventListener("click", () => {
  for (const card of [...cards]) forget(card);
  byId("files").focus();
});
document.addEventListener("click", (event) => {
  if (event.target.matches(".copy")) copy(event.target);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) take(event.clipboardData.files);
});
document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  document.body.classList.remove("dragging");
  if (!holdsFiles(event)) return;
  event.preventDefault();
  take(droppedFiles(event.dataTransfer));
});
document.addEventListener("visibilitychange", () => document.hidden || lookAtService());

watch();
