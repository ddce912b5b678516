const form = document.querySelector("#donation");
const result = document.querySelector("#donation-result");
const button = form.querySelector("[type=submit]");
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

function markAmount() {
  const amount = Number(form.amount.value);
  for (const pick of form.querySelectorAll(".picks button")) {
    pick.setAttribute("aria-pressed", String(form.amount.value !== "" && Number(pick.value) === amount));
  }
  button.textContent = amount >= 1 ? `Donate ${dollars.format(amount)}` : "Donate";
}

form.querySelector(".picks").addEventListener("click", (event) => {
  if (!event.target.value) return;
  form.amount.value = event.target.value;
  markAmount();
});
form.amount.addEventListener("input", markAmount);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const faults = findFaults(form);
  showFaults(form, faults);
  result.replaceChildren();
  if (Object.keys(faults).length) return;
  button.disabled = true;
  const donation = {
    amount_cents: Math.round(Number(form.amount.value) * 100),
    name: form.elements.name.value.trim(),
    email: form.email.value.trim(),
  };
  const answer = await submit("/api/hamm/donations", donation);
  button.disabled = false;
  show(donation, answer);
});

function show(donation, answer) {
  if (answer.ok) {
    const id = document.createElement("code");
    id.id = "donation-id";
    id.textContent = answer.json.donation_id;
    showResult(result, {
      good: true,
      title: `Thank you, ${donation.name}.`,
      text: [`Your ${dollars.format(donation.amount_cents / 100)} are in. Your receipt: `, id],
    });
    form.reset();
    markAmount();
  } else if (answer.unreachable) {
    showResult(result, {
      good: false,
      title: "We could not reach the till.",
      text: "Press Donate again: it is the same donation, and it will not be taken twice.",
    });
  } else {
    showResult(result, { good: false, title: "This donation was not taken.", text: explain(answer.json) });
    showFaults(form, readFaults(answer.json, (field) => (field === "amount_cents" ? "amount" : field)));
  }
}
