// Claims one proof pack with ethers, knowing nothing of this project but the pack and the contract's ABI.
// Standard input: {url, key, abi, pack}; standard output: what was sent, and the Claimed event as ethers reads it.
const { ethers } = require('ethers');

async function main() {
  const { url, key, abi, pack } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const provider = new ethers.JsonRpcProvider(url, pack.chain_id, { staticNetwork: true, pollingInterval: 50 });
  const contract = new ethers.Contract(pack.distributor, abi, new ethers.Wallet(key, provider));
  const sent = await contract.claim(pack.account, pack.token, pack.cumulative, pack.proof);
  const receipt = await sent.wait();
  const claimed = receipt.logs
    .map(log => contract.interface.parseLog(log))
    .find(event => event?.name === 'Claimed').args.toObject();
  let again;
  try {
    await contract.claim.staticCall(pack.account, pack.token, pack.cumulative, pack.proof);
  } catch (error) {
    again = error.reason;
  }
  const text = JSON.stringify({ status: receipt.status, claimed, again }, (_, v) => (typeof v === 'bigint' ? `${v}` : v));
  process.stdout.write(text);
  provider.destroy();
}

main();
