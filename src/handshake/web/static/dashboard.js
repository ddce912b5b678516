// Keeps the page true: asks for it again every second, changes only what differs, and marks what is new.
// Whatever the reader opened, selected or scrolled to stays as it is.
"use strict";

const PAUSE_MS = 1000;
const PATIENCE_MS = 10000;
const NEW_MS = 10000;
const COLOUR = /%23[0-9a-f]{6}/;
const GREY = "%236b7280";
const OURS = new Set(["open", "data-new"]);

const silence = document.getElementById("silence");

async function refresh() {
  try {
    const answer = await fetch("/", { signal: AbortSignal.timeout(PATIENCE_MS) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.ok || !isBoard(document)) show(page);
    else keep(page.querySelector("h1").lastChild.data.trim());
  } catch {
    keep("The dashboard does not answer");
  }
  forgetOldMarks();
  setTimeout(refresh, PAUSE_MS);
}

function isBoard(page) {
  return page.querySelector("main").dataset.page === "board";
}

function show(page) {
  silence.hidden = true;
  document.body.classList.remove("is-silent");
  document.title = page.title;
  iconOf(document).href = iconOf(page).href;
  const [old, fresh] = [document.querySelector("main"), page.querySelector("main")];
  if (old.dataset.page === fresh.dataset.page) morph(old, fresh);
  else old.replaceWith(document.importNode(fresh, true));
}

// Old news is better than none, as long as it says that it is old.
function keep(why) {
  const readAt = document.getElementById("read-at");
  const known = readAt ? ` Below is what was true at ${readAt.textContent}.` : "";
  const said = `${why}. Everything serves on.${known}`;
  if (silence.textContent !== said) silence.textContent = said;
  silence.hidden = false;
  document.title = why;
  iconOf(document).href = iconOf(document).href.replace(COLOUR, GREY);
  document.body.classList.add("is-silent");
}

function iconOf(page) {
  return page.querySelector("link[rel=icon]");
}

function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data === fresh.data) return;
    old.data = fresh.data;
    mark(old.parentElement);
    return;
  }
  morphAttributes(old, fresh);
  morphChildren(old, fresh);
}

function morphAttributes(old, fresh) {
  if (old.className !== fresh.className) mark(old);
  for (const { name, value } of fresh.attributes) {
    if (!OURS.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!OURS.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

// Children with a key are found again wherever they went; the others by their place in the row.
function morphChildren(old, fresh) {
  const keyed = new Map([...old.childNodes].filter(keyOf).map((child) => [keyOf(child), child]));
  let next = old.firstChild;
  for (const wanted of fresh.childNodes) {
    const found = keyOf(wanted) ? keyed.get(keyOf(wanted)) : next && isAlike(next, wanted) ? next : null;
    if (found && found === next) next = next.nextSibling;
    else if (found) old.insertBefore(found, next);
    if (found) morph(found, wanted);
    else add(old, wanted, next);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

function add(parent, wanted, next) {
  const added = parent.insertBefore(document.importNode(wanted, true), next);
  mark(added.querySelector?.("[data-mark]") ?? added);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
}

function isAlike(one, other) {
  return one.nodeName === other.nodeName && !keyOf(one);
}

// Ages and probes change all the time: that is no news.
function mark(node) {
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  if (element.closest("time, [data-quiet]")) return;
  const marked = element.closest("[data-mark]");
  if (marked) marked.dataset.new = Date.now();
}

function forgetOldMarks() {
  for (const element of document.querySelectorAll("[data-new]")) {
    if (Date.now() - Number(element.dataset.new) > NEW_MS) delete element.dataset.new;
  }
}

setTimeout(refresh, PAUSE_MS);
