// A scorecard that stays up to date: the server says when there is news, and nothing is asked for in between.

for (const card of document.querySelectorAll("[data-live]")) follow(card);

function follow(card) {
  const source = new EventSource(card.dataset.live);
  source.addEventListener("standing", (event) => show(card, source, JSON.parse(event.data)));
  source.addEventListener("open", () => say(card, ""));
  source.addEventListener("error", () => say(card, source.readyState === EventSource.CLOSED
    ? "Not live any more. Load the page again." : "Connecting again…"));
}

function show(card, source, standing) {
  if (standing.over) {
    source.close();
    say(card, "The epoch is over. Load the page again for the final figures.");
    return;
  }
  for (const place of card.querySelectorAll("[data-figure]")) {
    const value = standing[place.dataset.figure];
    if (value === null || value === undefined || plain(place.textContent) === plain(value)) continue;
    write(place, String(value), standing[`${place.dataset.figure}_raw`]);
    place.classList.remove("changed");
    requestAnimationFrame(() => place.classList.add("changed"));
  }
  const age = card.querySelector("[data-age-s]");
  if (age && standing.age_s !== null) age.dispatchEvent(new CustomEvent("lamplight:age", { detail: standing.age_s }));
}

// An amount keeps its unit as the server wrote it, and its value for programs.
function write(place, text, raw) {
  const amount = place.querySelector("data.amount");
  const unit = amount?.querySelector(".unit");
  if (!unit || raw === undefined) {
    place.textContent = text;
    return;
  }
  amount.firstChild.textContent = `${text.slice(0, text.length - unit.textContent.length).trimEnd()}\u00a0`;
  amount.value = raw;
  amount.removeAttribute("title");
}

function plain(text) {
  return String(text).replaceAll("\u00a0", " ").trim();
}

function say(card, text) {
  const place = card.querySelector("[data-live-state]");
  if (place) place.textContent = text;
}
