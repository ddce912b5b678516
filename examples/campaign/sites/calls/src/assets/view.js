// Everything that touches the page.

import { OUTCOMES, findOutcome } from "./outcomes.js";
import { countClosed, nextVoter, tally } from "./progress.js";
import { writeScript } from "./script.js";

export const byId = (id) => document.getElementById(id);

/** Show where the caller stands. */
export function show({ voters, caller, calls }) {
  const voter = nextVoter(voters, calls);
  byId("call").hidden = !voter;
  byId("finish").hidden = Boolean(voter);
  if (voter) {
    showVoter(voter, calls);
    showScript(voter, caller);
  }
  showProgress(countClosed(voters, calls), voters.length);
  showHistory(voters, calls);
  showTally(tally(calls));
}

/** Show the script again, as the caller types a name. */
export function showScript(voter, caller) {
  const words = { voter: voter.name.split(" ")[0], caller, place: voter.place };
  const lines = writeScript(words).map((line) =>
    line.say ? make("li", {}, `“${line.say}”`) : make("li", { className: "aside" }, line.aside),
  );
  byId("script").replaceChildren(...lines);
}

/** Make the outcome buttons; each has a number key. */
export function makeButtons() {
  OUTCOMES.forEach((outcome, index) => {
    const key = make("kbd", { ariaHidden: "true" }, String(index + 1));
    const button = make("button", { value: outcome.id, className: outcome.id }, outcome.label, key);
    button.setAttribute("aria-keyshortcuts", String(index + 1));
    byId(outcome.talked ? "talked" : "missed").append(button);
  });
}

const SAID_MILLISECONDS = 8000;
let silence = 0;

/** Say for a while what just happened, aloud to those who listen. */
export function say(text, { undo }) {
  byId("said").textContent = text;
  byId("undo").hidden = !undo;
  clearTimeout(silence);
  if (text) silence = setTimeout(() => say("", { undo: false }), SAID_MILLISECONDS);
}

/** Put the focus where the next call begins. */
export function focusHeading() {
  const heading = byId("call").hidden ? byId("finished") : byId("voter");
  heading.focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

function showVoter(voter, calls) {
  const before = calls.filter((call) => call.voter === voter.id).length;
  byId("position").textContent = before ? `Trying again, ${before + 1}. call` : "Your next call";
  byId("voter").textContent = voter.name;
  byId("place").textContent = voter.place;
  byId("note").textContent = voter.note;
  byId("phone").textContent = voter.phone;
  byId("dial").href = `tel:+1-${voter.phone}`;
  byId("dial").setAttribute("aria-label", `Call ${voter.name}, ${voter.phone}`);
}

function showProgress(done, total) {
  byId("done").textContent = String(done);
  byId("total").textContent = String(total);
  Object.assign(byId("progress"), { value: done, max: total });
}

function showTally(rows) {
  const boxes = rows.map(({ label, count }) => make("div", {}, make("dt", {}, label), make("dd", {}, String(count))));
  byId("tally").replaceChildren(...boxes);
}

function showHistory(voters, calls) {
  const names = new Map(voters.map((voter) => [voter.id, voter.name]));
  const rows = calls.filter((call) => names.has(call.voter)).reverse().map((call) => {
    const label = make("span", { className: `mark ${call.outcome}` }, findOutcome(call.outcome).label);
    return make("li", {}, make("span", {}, names.get(call.voter)), label);
  });
  byId("history").hidden = rows.length === 0;
  byId("calls-made").textContent = String(rows.length);
  byId("made").replaceChildren(...rows);
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
