// The page: photographs come in by choosing, dropping or pasting; each becomes a card.

import { Card, curlFor } from "./card.js";
import { Refused, door, isFinal, lookAt, persist, readiness, sleep, upload } from "./service.js";

const TASK = "classify";
const MOST_CARDS = 60;
const LONGEST_WAIT = 20; // seconds that one request may wait for its answer
const LOOKERS = 3; // with SENDERS at most five: browsers open six connections to a server
const SENDERS = 2;
const READY_EVERY = 30; // seconds between looks at a service that works
const MISSING_EVERY = 3; // and at one that does not

const byId = (id) => document.getElementById(id);
const { predictions, ready } = document.body.dataset;
const cards = new Set();
const looking = door(LOOKERS);
const sending = door(SENDERS);
let open = 0; // cards without a final answer

// ---- one photograph's way

/** Take all of them: what is a photograph and what is not, the service knows and says best. */
function take(files) {
  for (const file of files) begin(new Card(file, byId("card")));
  byId("cards").firstElementChild?.scrollIntoView({ block: "nearest" });
  if (!files.length) say("There is no file in that.");
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
  // With many open cards each waits less long, so that none stands behind another for a minute.
  const wait = Math.min(LONGEST_WAIT, Math.ceil((LONGEST_WAIT * LOOKERS) / open));
  const started = performance.now();
  const row = await lookAt(url, wait, signal);
  // A service with too many waiting answers at once; do not ask in circles.
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
  const neighbour = card.element.nextElementSibling ?? card.element.previousElementSibling;
  cards.delete(card);
  card.remove();
  if (byHand) (neighbour?.querySelector(".remove") ?? byId("files")).focus();
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
  byId("said").textContent = sentence;
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
    showState("silent", "No answer");
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

// ---- the ways in

async function copy(button) {
  const text = button.parentElement.querySelector("code").textContent;
  button.textContent = (await toClipboard(text)) ? "Copied" : "Select it";
  await sleep(1.5);
  button.textContent = "Copy";
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages over plain http from another machine have no clipboard but the old one.
    const area = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A folder comes as a file that cannot be read; leave it. */
function droppedFiles({ items }) {
  const files = [...items].filter((item) => !item.webkitGetAsEntry?.()?.isDirectory);
  return files.map((item) => item.getAsFile()).filter(Boolean);
}

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

byId("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // choosing the same file once more is a change too
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
