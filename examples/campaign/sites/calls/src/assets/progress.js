// Pure functions of the voters and the calls made so far. A call is { voter, outcome, at }.

import { OUTCOMES, findOutcome } from "./outcomes.js";

/** The last call of each voter, by the voter's id. */
export function lastCalls(calls) {
  return new Map(calls.map((call) => [call.voter, call]));
}

/** The next voter: first those never called, then those to try again, the longest ago first. */
export function nextVoter(voters, calls) {
  const last = lastCalls(calls);
  const fresh = voters.find((voter) => !last.has(voter.id));
  if (fresh) return fresh;
  const open = voters.filter((voter) => !isClosed(last.get(voter.id)));
  return open.sort((a, b) => last.get(a.id).at - last.get(b.id).at)[0];
}

/** How many voters need no further call. */
export function countClosed(voters, calls) {
  const last = lastCalls(calls);
  return voters.filter((voter) => isClosed(last.get(voter.id))).length;
}

/** How many voters ended with each outcome; outcomes of nobody are left out. */
export function tally(calls) {
  const ended = [...lastCalls(calls).values()];
  return OUTCOMES.map((outcome) => ({
    label: outcome.label,
    count: ended.filter((call) => call.outcome === outcome.id).length,
  })).filter((row) => row.count > 0);
}

function isClosed(call) {
  return Boolean(call && findOutcome(call.outcome).closed);
}
