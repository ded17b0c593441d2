// The gallery: all posts, and a form to post. Texts from the server are set as text, never as
// HTML.

import { percent } from "./card.js";
import { ask, logIn, logOut, loggedIn } from "./posting.js";

const MOST_LABELS = 3;
const LOOK_AGAIN = 2000; // ms until a post without labels is read again
const LOOKS = 15;
const NOT_SHOWN = /\.(heic|heif|hif|tiff?)$/i; // names of files that most browsers cannot show

const byId = (id) => document.getElementById(id);
const { posts, token, refresh, images } = document.body.dataset;
const made = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
let query = "sort=newest";
let next = null;
let listRequest = 0; // number of the list request; responses to earlier ones are dropped

// ---- the list

async function show(more = false) {
  const mine = more ? listRequest : ++listRequest;
  const cursor = more ? `&cursor=${encodeURIComponent(next)}` : "";
  const page = await ask(`${posts}?${query}&limit=24${cursor}`, {}, refresh);
  if (mine !== listRequest) return;
  const items = page.items.map(item);
  if (more) byId("posts").append(...items);
  else byId("posts").replaceChildren(...items);
  next = page.next;
  byId("more").hidden = !next;
  byId("empty").hidden = byId("posts").children.length > 0;
}

function item(post) {
  const element = byId("post").content.firstElementChild.cloneNode(true);
  const image = `${images.replace("ID", encodeURIComponent(post.image.id))}`;
  const picture = element.querySelector("img");
  picture.onerror = () => retryLater(picture);
  picture.src = `${image}/thumbnail`;
  const original = NOT_SHOWN.test(post.image.file_name) ? "preview" : "content";
  element.querySelector(".picture").href = `${image}/${original}`;
  element.querySelector(".like").onclick = () => withErrors(() => like(element, post));
  fill(element, post);
  if (post.predictions.some(isOpen)) look(element, post);
  return element;
}

/** Retries once: the first request of a thumbnail may end before the thumbnail is made. */
function retryLater(picture) {
  picture.onerror = null;
  setTimeout(() => (picture.src = `${picture.src}?size=256`), LOOK_AGAIN);
}

function fill(element, post) {
  const put = (where, text) => (element.querySelector(where).textContent = text);
  const found = Object.fromEntries(post.predictions.map((each) => [each.task, each.result]));
  const caption = found.caption?.text;
  put(".text", post.text);
  put(".by bdi", post.author);
  put("time", made.format(new Date(post.created_at)));
  put(".caption", caption ?? "");
  element.querySelector(".caption").hidden = !caption;
  element.querySelector("img").alt = caption ?? post.image.file_name;
  const labels = (found.classify?.labels ?? []).slice(0, MOST_LABELS);
  element.querySelector(".tags").replaceChildren(...labels.map(tag));
  showLikes(element, post);
}

function tag({ name, score }) {
  const element = document.createElement("li");
  const sure = document.createElement("span");
  sure.textContent = percent(score);
  element.append(`${name} `, sure);
  return element;
}

function showLikes(element, { likes, liked }) {
  const button = element.querySelector(".like");
  button.setAttribute("aria-pressed", String(liked));
  button.setAttribute("aria-label", `${liked ? "Unlike" : "Like"}: ${likes}`);
  button.querySelector("span").textContent = likes;
}

const isOpen = ({ status }) => status === "queued" || status === "processing";

/** Reads the post again until its labels and caption are there. */
async function look(element, post) {
  for (let count = 0; count < LOOKS; count += 1) {
    await new Promise((done) => setTimeout(done, LOOK_AGAIN));
    if (!element.isConnected) return;
    const now = await ask(`${posts}/${post.id}`, {}, refresh).catch(() => null);
    if (!now) return;
    Object.assign(post, now);
    fill(element, post);
    if (!now.predictions.some(isOpen)) return;
  }
}

// ---- actions

async function like(element, post) {
  if (!loggedIn()) {
    byId("sign-in").elements.username.focus();
    throw new Error("Log in to like a post.");
  }
  await ask(`${posts}/${post.id}/like`, { method: post.liked ? "DELETE" : "PUT" }, refresh);
  Object.assign(post, await ask(`${posts}/${post.id}`, {}, refresh));
  showLikes(element, post);
}

async function send(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await ask(posts, { method: "POST", body: new FormData(form) }, refresh);
  } finally {
    button.disabled = false;
  }
  form.reset();
  choose(document.querySelector("[data-query='sort=newest']"));
  await show();
}

/** Runs an action and shows the message of its error. */
async function withErrors(action) {
  const fault = byId("fault");
  fault.hidden = true;
  try {
    await action();
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
  }
  showWho();
}

function showWho() {
  const who = loggedIn();
  byId("sign-in").hidden = Boolean(who);
  byId("new-post").hidden = byId("who").hidden = !who;
  byId("who").querySelector("bdi").textContent = who?.name ?? "";
}

function choose(button) {
  query = button.dataset.query;
  for (const each of document.querySelectorAll("[data-query]")) {
    each.setAttribute("aria-pressed", String(each === button));
  }
}

for (const button of document.querySelectorAll("[data-query]")) {
  button.addEventListener("click", () => {
    choose(button);
    withErrors(() => show());
  });
}
byId("more").addEventListener("click", () => withErrors(() => show(true)));
byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  withErrors(async () => {
    await logIn(token, event.target);
    event.target.reset();
    await show();
  });
});
byId("new-post").addEventListener("submit", (event) => {
  event.preventDefault();
  withErrors(() => send(event.target));
});
byId("sign-out").addEventListener("click", () => {
  withErrors(async () => {
    await logOut(document.body.dataset.logOut);
    await show();
  });
});
withErrors(() => show());
