// Finds the wallets of the browser (EIP-6963, else window.ethereum) and lets people choose where there are several.

const KEPT = "lamplight wallet";
const found = new Map();

window.addEventListener("eip6963:announceProvider", (event) => {
  const { info, provider } = event.detail ?? {};
  if (!info?.uuid || typeof provider?.request !== "function") return;
  found.set(info.uuid, { name: String(info.name ?? "Wallet").slice(0, 40), icon: info.icon, id: String(info.rdns ?? info.name), provider });
});
window.dispatchEvent(new Event("eip6963:requestProvider"));

// The one that was used last comes first.
function all() {
  if (found.size === 0) return window.ethereum ? [{ name: "The browser’s wallet", id: "", provider: window.ethereum }] : [];
  const last = remembered();
  return [...found.values()].sort((one, other) => (other.id === last) - (one.id === last));
}

export const hasWallet = () => all().length > 0;

/** The wallet that was used last, or the first: for questions that ask nobody for anything. */
export const likelyWallet = () => all()[0]?.provider;

/** The only wallet, or the one that is chosen; nothing where the choice is called off. */
export async function chosenWallet() {
  const wallets = all();
  const wallet = wallets.length > 1 ? await choose(wallets) : wallets[0];
  if (wallet) remember(wallet.id);
  return wallet?.provider;
}

function choose(wallets) {
  const dialog = document.createElement("dialog");
  dialog.className = "chooser";
  dialog.setAttribute("aria-labelledby", "chooser-title");
  const title = Object.assign(document.createElement("h2"), { id: "chooser-title", textContent: "Which wallet?" });
  const list = document.createElement("ul");
  const buttons = wallets.map((wallet) => offer(wallet));
  for (const button of buttons) {
    const item = document.createElement("li");
    item.append(button);
    list.append(item);
  }
  const away = Object.assign(document.createElement("button"), { type: "button", className: "button small", textContent: "Not now" });
  dialog.append(title, list, away);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer;
    buttons.forEach((button, index) => button.addEventListener("click", () => { answer = wallets[index]; dialog.close(); }));
    away.addEventListener("click", () => dialog.close());
    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const at = buttons.indexOf(document.activeElement);
      if (!by) return;
      event.preventDefault();
      buttons[(at + by + buttons.length) % buttons.length].focus();
    });
    dialog.addEventListener("close", () => { dialog.remove(); resolve(answer); });
    dialog.showModal();
    buttons[0].focus();
  });
}

function offer(wallet) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button" });
  // An icon from elsewhere would tell that place who visits; the page's policy refuses it, too.
  if (typeof wallet.icon === "string" && wallet.icon.startsWith("data:image/")) {
    button.append(Object.assign(document.createElement("img"), { src: wallet.icon, alt: "", width: 24, height: 24 }));
  }
  button.append(wallet.name);
  if (wallet.id === remembered()) button.append(Object.assign(document.createElement("span"), { className: "soft small", textContent: "used last" }));
  return button;
}

function remembered() {
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

function remember(id) {
  // A browser that keeps nothing asks in the same order each time.
  try { localStorage.setItem(KEPT, id); } catch { /* see above */ }
}
