// Sends a form as JSON, safely: the same submission keeps its Idempotency-Key however often it is tried.

const TRIES = 3;
const PAUSE_MILLISECONDS = 600;

// One submission: what is sent, where to, and the key that makes sending it again harmless.
let submission = { url: "", body: "", key: "" };

function keyFor(url, body) {
  if (submission.url !== url || submission.body !== body) submission = { url, body, key: newKey() };
  return submission.key;
}

function newKey() {
  // Browsers offer randomUUID over https and on localhost only.
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function submit(url, fields) {
  const body = JSON.stringify(fields);
  const headers = { "Content-Type": "application/json", "Idempotency-Key": keyFor(url, body) };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await trySending(url, { method: "POST", headers, body });
    if (answer.done || attempt === TRIES) {
      // What was answered is over: the next submission, even one of the same words, is a new one.
      if (answer.ok) submission = { url: "", body: "", key: "" };
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS * attempt));
  }
}

async function trySending(url, request) {
  try {
    const response = await fetch(url, request);
    const json = await response.json().catch(() => ({}));
    const later = response.status >= 500 || response.status === 429;
    return { ok: response.ok, done: !later, json, unreachable: later };
  } catch {
    return { ok: false, done: false, json: {}, unreachable: true };
  }
}

function showFaults(form, faults) {
  for (const old of form.querySelectorAll(".fault")) old.remove();
  for (const input of form.querySelectorAll("input")) {
    const detail = faults[input.name];
    input.setAttribute("aria-invalid", detail ? "true" : "false");
    input.removeAttribute("aria-describedby");
    if (!detail) continue;
    const note = document.createElement("p");
    note.className = "fault";
    note.id = `${input.id}-fault`;
    note.textContent = detail;
    input.setAttribute("aria-describedby", note.id);
    (input.closest(".money") ?? input).after(note);
  }
  form.querySelector('[aria-invalid="true"]')?.focus();
}

// What the browser itself finds wrong with a form, by input.
function findFaults(form) {
  const inputs = [...form.querySelectorAll("input")].filter((input) => !input.validity.valid);
  return Object.fromEntries(inputs.map((input) => [input.name, input.validationMessage]));
}

// What the service found wrong with a form, by input.
function readFaults(problem, nameOf = (field) => field) {
  return Object.fromEntries((problem.problems ?? []).map((fault) => [nameOf(fault.field), `This ${fault.detail}.`]));
}

// Why a service refused a form, in a sentence for whoever filled it in.
function explain(problem) {
  if (problem.problems?.length) return "Please mend what is marked, and try again.";
  return problem.detail ?? "Please check what you wrote, and try again.";
}

function showResult(box, { good, title, text }) {
  const heading = document.createElement("strong");
  heading.textContent = title;
  const detail = document.createElement("p");
  detail.append(...[text].flat());
  box.classList.toggle("good", good);
  box.replaceChildren(heading, detail);
  box.focus();
}
