// Long lists and tables begin short, with a search among all of their rows; without this module all rows stand there.

for (const place of document.querySelectorAll("[data-long]")) shorten(place, Number(place.dataset.long));

function shorten(place, few) {
  const rows = [...(place.querySelector("tbody") ?? place).children];
  // A button to see two more rows would be in the way.
  if (rows.length <= few + 4) return;
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const name = place.dataset.name ?? "rows";
  const button = make("button", { type: "button", className: "button small" });
  const search = make("input", { type: "search", autocomplete: "off", placeholder: `Find among ${rows.length} ${name}` });
  search.setAttribute("aria-label", search.placeholder);
  // Few enough rows are found by looking.
  search.hidden = rows.length <= 30;
  const found = make("span", { className: "soft small" });
  found.setAttribute("role", "status");
  let isWhole = false;

  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    rows.forEach((row, index) => {
      const shown = wanted ? texts[index].includes(wanted) : isWhole || index < few;
      row.hidden = !shown;
      count += shown;
    });
    button.hidden = Boolean(wanted);
    button.textContent = isWhole ? `Show the first ${few} alone` : `Show all ${rows.length} ${name}`;
    button.setAttribute("aria-expanded", String(isWhole));
    found.textContent = wanted ? `${count} of ${rows.length}` : "";
  };
  search.addEventListener("input", draw);
  button.addEventListener("click", () => { isWhole = !isWhole; draw(); });
  // What an address leads to has to be there.
  if (location.hash.length > 1 && rows.some((row) => row.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`))) isWhole = true;
  const tools = make("div", { className: "long-tools" });
  tools.append(button, search, found);
  place.after(tools);
  draw();
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
