// The phone bank: load the list, show a voter, note an outcome, go on.

import { OUTCOMES, findOutcome } from "./outcomes.js";
import { nextVoter } from "./progress.js";
import { load, save } from "./storage.js";
import { byId, focusHeading, makeButtons, say, show, showScript } from "./view.js";

const state = load();
let voters = [];

function update(calls) {
  state.calls = calls;
  save(state);
  show({ voters, ...state });
}

function note(outcome) {
  const voter = nextVoter(voters, state.calls);
  if (!voter) return;
  update([...state.calls, { voter: voter.id, outcome: outcome.id, at: Date.now() }]);
  say(`${voter.name}: ${outcome.label}.`, { undo: true });
  focusHeading();
}

function undo() {
  update(state.calls.slice(0, -1));
  say("Taken back.", { undo: false });
  focusHeading();
}

function restart() {
  if (!confirm("Forget all your calls in this browser?")) return;
  update([]);
  say("A fresh list.", { undo: false });
  focusHeading();
}

function pressKey(event) {
  const typing = event.target instanceof HTMLInputElement;
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const outcome = OUTCOMES[Number(event.key) - 1];
  if (outcome) note(outcome);
}

function listen() {
  byId("outcomes").addEventListener("submit", (event) => {
    event.preventDefault();
    note(findOutcome(event.submitter.value));
  });
  byId("caller").addEventListener("input", (event) => {
    state.caller = event.target.value.trim();
    save(state);
    showScript(nextVoter(voters, state.calls), state.caller);
  });
  byId("undo").addEventListener("click", undo);
  byId("take-back").addEventListener("click", undo);
  byId("restart").addEventListener("click", restart);
  document.addEventListener("keydown", pressKey);
}

async function start() {
  const answer = await fetch(new URL("./voters.json", import.meta.url));
  if (!answer.ok) throw new Error(`the list answered ${answer.status}`);
  voters = await answer.json();
  byId("caller").value = state.caller;
  makeButtons();
  listen();
  show({ voters, ...state });
}

start().catch(() => say("The list of voters did not load. Reload the page to try again.", { undo: false }));
