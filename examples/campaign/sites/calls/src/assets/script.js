// What a caller says. {voter}, {caller} and {place} are filled in; `aside` is for the caller's eyes only.

const LINES = [
  { say: "Hi, is this {voter}? My name is {caller}, and I’m a volunteer, calling from my context table." },
  { aside: "Let them answer. A busy voter is a “call back later”." },
  { say: "On the twenty-fifth, delegates from every state meet in Philadelphia. What would make a difference in {place}?" },
  { aside: "Listen first. Then tell them, in a sentence, why you are doing this." },
  { say: "Can we count on you?" },
  { say: "Thank you, {voter}. That means a lot." },
];

/** The script's lines for one call: { say } or { aside }. */
export function writeScript({ voter, caller, place }) {
  const words = { voter, caller: caller || "…", place };
  const fill = (text) => text.replace(/\{(\w+)\}/g, (_, name) => words[name]);
  return LINES.map((line) => (line.say ? { say: fill(line.say) } : line));
}
