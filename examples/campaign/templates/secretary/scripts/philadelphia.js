const EVENTS = "/api/events/events";
const list = document.querySelector("#events");
const dialog = document.querySelector("#sign-up");
const form = document.querySelector("#signup");
const result = document.querySelector("#signup-result");
const button = form.querySelector("[type=submit]");
const zone = { timeZone: "America/New_York" };
const day = new Intl.DateTimeFormat("en-US", { ...zone, weekday: "long", month: "long", day: "numeric" });
const hour = new Intl.DateTimeFormat("en-US", { ...zone, hour: "numeric", minute: "2-digit" });
let events = [];
let chosen;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function span(event) {
  return hour.formatRange(new Date(event.starts_at), new Date(event.ends_at ?? event.starts_at));
}

function seats(event) {
  if (event.seats_left <= 0) return "Full";
  return event.seats_left === 1 ? "1 seat left" : `${event.seats_left.toLocaleString("en-US")} seats left`;
}

function card(event) {
  const open = element("button", { className: "button", type: "button", disabled: event.seats_left <= 0 }, "Sign up");
  open.setAttribute("aria-label", `Sign up for ${event.title}`);
  open.addEventListener("click", () => choose(event));
  const text = element(
    "div",
    {},
    element("h3", {}, event.title),
    element("p", { className: "where" }, event.place),
    element("p", {}, event.description ?? ""),
  );
  const side = element("div", { className: "side" }, open, element("span", { className: "seats" }, seats(event)));
  const item = element("li", { className: "card event" }, element("time", { dateTime: event.starts_at }, span(event)), text, side);
  item.dataset.event = event.id;
  return item;
}

function show() {
  const days = new Map();
  for (const event of events) {
    const name = day.format(new Date(event.starts_at));
    days.set(name, [...(days.get(name) ?? []), event]);
  }
  const parts = [...days].flatMap(([name, some]) => [
    element("h2", { className: "day" }, name),
    element("ul", { className: "events" }, ...some.map(card)),
  ]);
  list.replaceChildren(...(parts.length ? parts : [element("p", { className: "lead" }, "Nothing is planned yet.")]));
}

async function load() {
  try {
    const response = await fetch(EVENTS);
    if (!response.ok) throw new Error(`status ${response.status}`);
    events = (await response.json()).events;
    show();
  } catch {
    const again = element("button", { className: "button", type: "button" }, "Try again");
    again.addEventListener("click", load);
    list.replaceChildren(
      element("p", { className: "lead" }, "The list of events cannot be had just now."),
      element("p", { className: "row" }, again),
    );
  }
}

function choose(event) {
  chosen = event;
  document.querySelector("#sign-up-title").textContent = event.title;
  document.querySelector("#sign-up-when").textContent = `${day.format(new Date(event.starts_at))}, ${span(event)}`;
  form.hidden = false;
  showFaults(form, {});
  result.replaceChildren();
  dialog.showModal();
}

document.querySelector("#sign-up-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", show);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const faults = findFaults(form);
  showFaults(form, faults);
  result.replaceChildren();
  if (Object.keys(faults).length) return;
  button.disabled = true;
  const person = { name: form.elements.name.value.trim(), email: form.email.value.trim() };
  const answer = await submit(`${EVENTS}/${encodeURIComponent(chosen.id)}/signups`, person);
  button.disabled = false;
  showAnswer(person, answer);
});

function showAnswer(person, answer) {
  if (answer.ok) {
    // The list may be cached for a moment yet; this visitor's own seat counts at once.
    chosen.seats_left -= 1;
    form.hidden = true;
    showResult(result, { good: true, title: `See you there, ${person.name}.`, text: "Your seat is saved." });
  } else if (answer.unreachable) {
    showResult(result, {
      good: false,
      title: "We could not save your seat.",
      text: "Press the button again: it is the same sign-up, and takes one seat only.",
    });
  } else {
    showResult(result, { good: false, title: "That did not work.", text: explain(answer.json) });
    showFaults(form, readFaults(answer.json));
  }
}

load();
