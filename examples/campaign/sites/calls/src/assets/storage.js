// What this browser remembers: the caller's name and the calls. Without storage the page works, and forgets.

import { findOutcome } from "./outcomes.js";

const KEY = "calls/1";

export function load() {
  try {
    const { caller, calls } = JSON.parse(localStorage.getItem(KEY));
    return { caller: String(caller), calls: calls.filter((call) => findOutcome(call.outcome)) };
  } catch {
    return { caller: "", calls: [] };
  }
}

export function save(state) {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // Private windows may refuse; the calls of this page view are still on the screen.
  }
}
