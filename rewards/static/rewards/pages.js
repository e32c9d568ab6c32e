// Small helps for every page; each works on markup that is complete without it.

for (const command of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command.textContent.trim());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select the text and copy it by hand";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  });
  command.after(button);
}

// The age of live figures keeps counting between news, so that an old page looks old.
const ages = [...document.querySelectorAll("[data-age-s]")];
for (const age of ages) {
  let seconds = Number(age.dataset.ageS);
  let since = Date.now();
  age.addEventListener("lamplight:age", (event) => { seconds = event.detail; since = Date.now(); });
  setInterval(() => { age.textContent = ageText(seconds + Math.floor((Date.now() - since) / 1000)); }, 1000);
}

// What is left of a session keeps running down, to the second in the last hour.
for (const left of document.querySelectorAll("[data-left-s]")) {
  const ends = Date.now() + Number(left.dataset.leftS) * 1000;
  setInterval(() => { left.textContent = leftText(Math.max(0, Math.round((ends - Date.now()) / 1000))); }, 1000);
}

function leftText(seconds) {
  const of = (count, name) => `${count}\u00a0${name}${count === 1 ? "" : "s"}`;
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  const parts = [[days, "day"], [hours, "hour"], [minutes, "minute"], [seconds % 60, "second"]];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 seconds";
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, name]) => of(count, name)).join(" ");
}

function ageText(seconds) {
  if (seconds < 120) return `${seconds} seconds`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} minutes`;
  return `${Math.floor(seconds / 3600)} hours`;
}

// A table wider than its card can be scrolled with the keyboard, too.
for (const table of document.querySelectorAll(".table")) {
  if (table.scrollWidth <= table.clientWidth) continue;
  table.tabIndex = 0;
  table.setAttribute("role", "region");
  table.setAttribute("aria-label", table.querySelector("caption")?.textContent ?? "Table");
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Of rooms that do not fit beside each other, the one where the reader is can be seen.
const room = document.querySelector(".rooms [aria-current]");
const rooms = room?.closest("ul");
if (rooms && rooms.scrollWidth > rooms.clientWidth) {
  rooms.scrollLeft = room.offsetLeft - (rooms.clientWidth - room.offsetWidth) / 2;
}

// Who collects money lives anywhere: there, times are those of the reader's own clock, and of UTC.
const ownClock = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

function showOwnTimes() {
  if (ownClock.resolvedOptions().timeZone === "America/New_York") return;
  for (const time of document.querySelectorAll("[data-own-clock] time.moment:not([data-own])")) {
    time.dataset.own = "";
    time.querySelector(".local").textContent = `${ownClock.format(new Date(time.dateTime))}\u00a0your\u00a0time`;
  }
}

showOwnTimes();
document.addEventListener("htmx:afterSettle", showOwnTimes);
