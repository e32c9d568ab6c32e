// Helps with the form of the terms: sums that are kept, blocks that open and close, a search among many markets.
// The form is complete without it. Everything listens at the document, because parts of the form are replaced.

const FEW = 8;
const form = () => document.getElementById("terms-form");
const markets = () => [...document.querySelectorAll("[data-market]")];

function refresh() {
  if (!form()) return;
  showSum();
  const tools = document.querySelector("[data-tools]");
  if (tools) tools.hidden = markets().length < FEW;
  for (const market of markets()) {
    const curve = market.querySelector("[data-curve]");
    market.querySelector("[data-steps]").hidden = curve.value !== "steps";
    market.querySelector("[data-stress-entries]").hidden = !market.querySelector("[data-stress]").checked;
  }
}

function hundredths(text) {
  const found = /^(\d+)(?:\.(\d{1,2}))?$/.exec(text.trim());
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}

function showSum() {
  const place = document.querySelector("[data-sum]");
  const weights = markets().map((market) => hundredths(document.getElementById(`${market.id}.weight_bps`).value));
  if (!place || weights.length === 0 || weights.includes(null)) { if (place) place.hidden = true; return; }
  const sum = weights.reduce((whole, weight) => whole + weight, 0);
  place.hidden = false;
  place.classList.toggle("error", sum > 10000);
  place.textContent = `${weights.length} ${weights.length === 1 ? "market takes" : "markets take"} ${sum / 100}% of the budget`;
}

document.addEventListener("input", (event) => {
  if (event.target.id === "market-filter") {
    const wanted = event.target.value.trim().toLowerCase();
    for (const market of markets()) {
      market.hidden = wanted !== "" && !document.getElementById(`${market.id}.name`).value.toLowerCase().includes(wanted);
    }
  } else if (event.target.closest("#terms-form")) {
    const market = event.target.closest("[data-market]");
    if (event.target.name?.endsWith(".weight_bps")) {
      market.querySelector("[data-weight-of]").textContent = event.target.value || "0";
    } else if (market && event.target.name?.endsWith(".name")) {
      market.querySelector(".market-name").textContent = event.target.value || "New market";
    }
    refresh();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-all]")) for (const market of markets()) market.open = true;
  if (event.target.closest("[data-close-all]")) for (const market of markets()) market.open = false;
  const link = event.target.closest(".mistakes a");
  if (!link) return;
  const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!target) return;
  event.preventDefault();
  target.closest("[data-market]")?.setAttribute("open", "");
  target.scrollIntoView({ block: "center" });
  target.focus({ preventScroll: true });
});

// A button that changes the form sends it and gets a new one. What is entered while it is on its way must not be lost:
// where the entries keep their names it is carried over; where they do not, the form waits.
const KEEPS_NAMES = /^(add-market|add-step:\d+)$/;
let sent = null;

const entries = () => [...form().elements].filter((entry) => entry.name && !["hidden", "submit", "button"].includes(entry.type));
const stateOf = (entry) => (entry.type === "checkbox" ? entry.checked : entry.value);

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.target.closest("#terms-form")) return;
  sent = { button: event.target, states: new Map(entries().map((entry) => [entry.name, stateOf(entry)])), late: [] };
  if (!KEEPS_NAMES.test(event.target.value)) form().inert = true;
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!sent || event.detail.target !== form()) return;
  sent.late = entries().filter((entry) => sent.states.get(entry.name) !== stateOf(entry)).map((entry) => [entry.name, stateOf(entry)]);
  sent.open = markets().filter((market) => market.open).map((market) => market.id);
  sent.isElsewhere = !isIdle();
  sent.focused = document.activeElement?.id;
});

// At once, in the same turn as the new form: the next key that is pressed is for what is entered here.
document.addEventListener("htmx:afterSwap", () => {
  for (const [name, state] of sent?.late ?? []) {
    const entry = form().elements[name];
    if (!entry) continue;
    if (entry.type === "checkbox") entry.checked = state;
    else entry.value = state;
    entry.dispatchEvent(new Event("input", { bubbles: true }));
  }
  reopen();
  // In a market that was still closed nothing could get the focus back.
  if (sent?.isElsewhere && document.activeElement === document.body) document.getElementById(sent.focused)?.focus();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.failed && form()) form().inert = false;
});

document.addEventListener("htmx:afterSettle", () => {
  reopen();
  refresh();
  // What was added is what comes next, but for those who are entering something else by now.
  const added = markets().find((market) => document.getElementById(`${market.id}.name`).value === "");
  if (added && sent && !sent.isElsewhere && isIdle()) document.getElementById(`${added.id}.name`).focus();
  sent = null;
});

// A market that was opened meanwhile stays so: in a closed one, what has the focus loses it.
function reopen() {
  if (!sent || !KEEPS_NAMES.test(sent.button.value)) return;
  for (const id of sent.open ?? []) document.getElementById(id)?.setAttribute("open", "");
}

function isIdle() {
  return [sent?.button, document.body, null].includes(document.activeElement);
}

refresh();
document.querySelector("[data-mistakes]")?.focus();
