// A browser wallet sends a call that the server wrote, or signs typed data that the server wrote. Nothing is decided here.

import { chosenWallet, hasWallet } from "./wallets.js";

const buttons = [...document.querySelectorAll("[data-wallet-send], [data-wallet-sign]")];

// Wallets announce themselves a moment after they are asked.
setTimeout(() => { if (hasWallet()) for (const button of buttons) button.hidden = false; }, 200);
for (const button of buttons) button.addEventListener("click", () => act(button));

async function act(button) {
  const say = (text) => { const place = button.parentElement.querySelector("[role=status]"); if (place) place.textContent = text; };
  button.disabled = true;
  try {
    const wallet = await chosenWallet();
    if (!wallet) return;
    const [account] = await wallet.request({ method: "eth_requestAccounts" });
    await onChain(wallet, Number(button.dataset.chain));
    if (button.dataset.walletSign) await sign(wallet, account, button);
    else say(`Sent: ${await send(wallet, account, button)}. This page follows the chain; reload it in a moment.`);
  } catch (error) {
    say(error?.code === 4001 ? "You declined it in the wallet. Nothing was sent." : `The wallet says: ${error?.message ?? error}`);
  } finally {
    button.disabled = false;
  }
}

async function onChain(wallet, wanted) {
  if (Number(await wallet.request({ method: "eth_chainId" })) === wanted) return;
  await wallet.request({ method: "wallet_switchEthereumChain", params: [{ chainId: `0x${wanted.toString(16)}` }] });
}

function send(wallet, account, button) {
  const { from, to, calldata } = button.dataset;
  if (from && from !== "any" && account.toLowerCase() !== from) throw new Error(`choose the account ${from} in the wallet`);
  return wallet.request({ method: "eth_sendTransaction", params: [{ from: account, to, data: calldata, value: "0x0" }] });
}

async function sign(wallet, account, button) {
  const typed = document.getElementById(button.dataset.walletSign).textContent;
  const form = button.closest("form");
  form.elements.signature.value = await wallet.request({ method: "eth_signTypedData_v4", params: [account, typed] });
  form.elements.owner.value = "";
  form.requestSubmit();
}
