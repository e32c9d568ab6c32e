// Lets the browser's wallet fill in an address that quotes, or sign the text on the page; pasting works without it.

const USER_REFUSED = 4001;
const form = document.querySelector("form[data-quoting]");
const shelf = form?.querySelector("[data-wallets]");
const note = form?.querySelector("[data-wallet-note]");
const seen = new Set();

if (form) {
  window.addEventListener("eip6963:announceProvider", (event) => {
    const { info, provider } = event.detail ?? {};
    if (!info?.uuid || seen.has(info.uuid) || typeof provider?.request !== "function") return;
    seen.add(info.uuid);
    offer(info.name, provider);
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  if (seen.size === 0 && typeof window.ethereum?.request === "function") offer("the browser's wallet", window.ethereum);
}

function offer(name, provider) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  const signs = form.dataset.quoting === "sign";
  button.append(`${signs ? "Sign with" : "Take it from"} ${String(name ?? "the wallet").slice(0, 40)}`);
  button.addEventListener("click", () => run(signs ? sign : fill, provider));
  shelf.append(button);
}

async function run(step, provider) {
  try {
    await step(provider);
  } catch (error) {
    say(error?.code === USER_REFUSED ? "Nothing was signed." : error?.message || "The wallet did not answer. Open it.", true);
  }
}

async function fill(provider) {
  const [address] = await provider.request({ method: "eth_requestAccounts" });
  form.elements.address.value = address;
  say(`The wallet offers ${address}. Choose another account there if that is not the one that quotes.`);
}

async function sign(provider) {
  const wanted = form.elements.address.value.toLowerCase();
  const accounts = await provider.request({ method: "eth_requestAccounts" });
  const account = accounts.find((each) => each.toLowerCase() === wanted);
  if (!account) {
    say(`The wallet has ${accounts[0] ?? "no account"} open; the text is for ${wanted}. Choose that account there.`, true);
    return;
  }
  const bytes = new TextEncoder().encode(form.elements.message.value);
  const hex = "0x" + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  form.elements.signature.value = await provider.request({ method: "personal_sign", params: [hex, account] });
  form.querySelector("button[value=prove]").click();
}

function say(text, bad = false) {
  note.hidden = false;
  note.textContent = text;
  note.classList.toggle("bad", bad);
}
