// What can come of a call. `closed` voters are not called again; the others come back at the end of the list.

export const OUTCOMES = [
  { id: "yes", label: "With us", talked: true, closed: true },
  { id: "leaning", label: "Leaning", talked: true, closed: true },
  { id: "undecided", label: "Undecided", talked: true, closed: true },
  { id: "no", label: "Not with us", talked: true, closed: true },
  { id: "silent", label: "No answer", talked: false, closed: false },
  { id: "later", label: "Call back later", talked: false, closed: false },
  { id: "message", label: "Left a message", talked: false, closed: true },
  { id: "wrong", label: "Wrong number", talked: false, closed: true },
];

const BY_ID = new Map(OUTCOMES.map((outcome) => [outcome.id, outcome]));

export const findOutcome = (id) => BY_ID.get(id);
