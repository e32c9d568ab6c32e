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
    if (value === null || value === undefined || place.textContent === String(value)) continue;
    place.textContent = value;
    place.classList.remove("changed");
    requestAnimationFrame(() => place.classList.add("changed"));
  }
  const age = card.querySelector("[data-age-s]");
  if (age && standing.age_s !== null) age.dispatchEvent(new CustomEvent("lamplight:age", { detail: standing.age_s }));
}

function say(card, text) {
  const place = card.querySelector("[data-live-state]");
  if (place) place.textContent = text;
}
