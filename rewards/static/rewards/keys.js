// Keys for those who come often: where to go, from row to row, a search; `?` shows them, and there they can be put off.

const KEPT = "lamplight keys";
const PATIENCE_MS = 1500;
const dialog = document.querySelector("[data-keys]");
const opener = document.querySelector("[data-keys-open]");
const switchOf = dialog.querySelector("[data-keys-on]");
let pressedG = -Infinity;

switchOf.checked = read() !== "off";
switchOf.addEventListener("change", () => write(switchOf.checked ? "on" : "off"));
opener.hidden = false;
opener.addEventListener("click", () => dialog.showModal());
for (const row of dialog.querySelectorAll("[data-needs]")) row.hidden = !document.querySelector(row.dataset.needs);

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || !switchOf.checked) return;
  if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
  if (press(event.key, event.timeStamp)) event.preventDefault();
});

function press(key, at) {
  const goes = at - pressedG < PATIENCE_MS;
  pressedG = -Infinity;
  if (goes) return go(key);
  switch (key) {
    case "?": dialog.showModal(); return true;
    case "g": pressedG = at; return true;
    case "j": return step(1);
    case "k": return step(-1);
    case "[": return follow("[data-keys-before]");
    case "]": return follow("[data-keys-after]");
    case "/": return search();
    case "ArrowRight": return along(1);
    case "ArrowLeft": return along(-1);
    default: return false;
  }
}

function go(key) {
  return /^[a-z]$/.test(key) && follow(`[data-go="${key}"]`);
}

function follow(selector) {
  const link = document.querySelector(selector);
  link?.click();
  return Boolean(link);
}

// Rows of tables and of lists to choose from; the link of a row where it has one, so that Enter opens it.
function step(by) {
  const rows = [...document.querySelectorAll("main tbody tr, main .inbox > li, main .timeline a")].filter((row) => row.checkVisibility());
  if (rows.length === 0) return false;
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[now < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + by))];
  const target = row.matches("a") ? row : row.querySelector("a, button") ?? row;
  if (target === row && !row.matches("a")) row.tabIndex = -1;
  target.focus();
  return true;
}

function along(by) {
  const stretch = document.activeElement.closest(".timeline a");
  const next = by > 0 ? stretch?.nextElementSibling : stretch?.previousElementSibling;
  if (!next?.matches("a")) return false;
  next.focus();
  return true;
}

function search() {
  const field = [...document.querySelectorAll("main input[type=search], main form[method=get] input:not([type=hidden])")].find((each) => each.checkVisibility());
  field?.focus();
  return Boolean(field);
}

function read() {
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

function write(value) {
  // A browser that keeps nothing has the keys on again with the next page.
  try { localStorage.setItem(KEPT, value); } catch { /* see above */ }
}
