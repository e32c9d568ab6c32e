"""A remote signer as web3signer answers: JSON-RPC `eth_signTransaction` over HTTP, keys in its memory alone."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_account import Account

NUMBERS = ("nonce", "gas", "value", "maxFeePerGas", "maxPriorityFeePerGas", "chainId")


@contextmanager
def remote_signer(*keys: str, tamper: Callable[[dict[str, Any]], None] = lambda fields: None) -> Iterator[str]:
    """Serve the keys' accounts; gives the URL. tamper: changes what is signed, as a signer in wrong hands would."""
    accounts = {Account.from_key(key).address.lower(): key for key in keys}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"jsonrpc": "2.0", "id": asked["id"], **_answer(accounts, asked, tamper)}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(
    accounts: dict[str, str], asked: dict[str, Any], tamper: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    if asked["method"] != "eth_signTransaction":
        return {"error": {"code": -32601, "message": "Method not found"}}
    fields = dict(asked["params"][0])
    sender = fields.pop("from")
    if sender.lower() not in accounts:
        return {"error": {"code": -32000, "message": "Could not find signer for address"}}
    tamper(fields)
    for name in NUMBERS:
        fields[name] = int(fields[name], 16)
    fields["to"] = bytes.fromhex(fields["to"][2:])
    signed = Account.sign_transaction({**fields, "type": 2}, accounts[sender.lower()])
    return {"result": "0x" + bytes(signed.raw_transaction).hex()}
