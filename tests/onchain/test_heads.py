"""New heads by subscription and by asking; mini-blocks and paged logs of a stand-in that speaks MegaETH's messages."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from websockets.sync.server import serve

from onchain.blocktime import block_times
from onchain.errors import RpcGarbledError
from onchain.heads import HeadWatch, LiveTimes, websocket_url
from onchain.indexer import Indexer
from onchain.logpages import fetch_logs
from onchain.models import Block
from onchain.rpc import connect
from tests.faults.conftest import register

SECOND = 1_790_100_000


class Sequencer:
    """A WebSocket server that answers eth_subscribe as the documentation of MegaETH's realtime API says."""

    def __init__(self, *, offers=("newHeads", "miniBlocks")) -> None:
        self.offers, self.asked = offers, []
        self.ready, self._subscribers = threading.Event(), {}

    def __enter__(self):
        self._server = serve(self._speak, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def tell(self, kind: str, result: object) -> None:
        socket, name = self._subscribers[kind]
        params = {"subscription": name, "result": result}
        socket.send(json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params}))

    def say(self, message: str) -> None:
        self._subscribers["newHeads"][0].send(message)

    def mini_block(self, number: int, index: int, stamp_us: int) -> None:
        self.tell("miniBlocks", {
            "block_number": hex(number), "block_timestamp": hex(SECOND), "index": hex(index),
            "mini_block_number": hex(number * 100 + index), "mini_block_timestamp": hex(stamp_us),
            "gas_used": "0x5208", "transactions": [], "receipts": [],
        })  # fmt: skip

    def _speak(self, socket) -> None:
        for message in socket:
            call = json.loads(message)
            self.asked.append(call["method"])
            if call["method"] != "eth_subscribe":
                socket.send(json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": "0x10e6"}))
                continue
            kind = call["params"][0]
            if kind in self.offers:
                self._subscribers[kind] = (socket, f"0xsub{len(self._subscribers)}")
                answer = {"result": self._subscribers[kind][1]}
            else:
                answer = {"error": {"code": -32602, "message": "Invalid subscription type"}}
            socket.send(json.dumps({"jsonrpc": "2.0", "id": call["id"], **answer}))
            if kind == "miniBlocks":
                self.ready.set()


def test_a_subscription_tells_of_a_new_head_at_once():
    with Sequencer() as sequencer, HeadWatch(url=sequencer.url, poll_s=60) as watch:
        assert sequencer.ready.wait(10)
        while not watch.subscribed or watch.wait(longest_s=0.2):
            pass
        sequencer.tell("newHeads", {"number": "0x5"})
        assert watch.wait(longest_s=10)


def test_a_node_without_mini_blocks_is_followed_by_its_heads():
    with Sequencer(offers=("newHeads",)) as sequencer, HeadWatch(url=sequencer.url, poll_s=60) as watch:
        assert sequencer.ready.wait(10)
        while not watch.subscribed or watch.wait(longest_s=0.2):
            pass
        sequencer.tell("newHeads", {"number": "0x5"})
        assert watch.wait(longest_s=10)
        assert watch.live.of(5) is None


def test_a_node_without_a_websocket_is_asked_again_and_again():
    with HeadWatch(url="ws://127.0.0.1:9", poll_s=0.05) as watch:
        assert not watch.subscribed
        for _ in range(3):
            watch.wait(longest_s=10)
    with HeadWatch(url=None, poll_s=0.05) as watch:
        assert not watch.wait(longest_s=10)


def test_anvil_itself_announces_its_heads(exchange):
    with HeadWatch(url=websocket_url(exchange.anvil.url), poll_s=60) as watch:
        while not watch.subscribed or watch.wait(longest_s=0.2):
            pass
        exchange.anvil.mine()
        assert watch.wait(longest_s=10)


def test_the_stamp_of_a_block_is_that_of_its_first_mini_block_seen_whole():
    with Sequencer() as sequencer, HeadWatch(url=sequencer.url, poll_s=60) as watch:
        assert sequencer.ready.wait(10)
        sequencer.mini_block(7, 3, SECOND * 10**6 + 900_000)  # begun before we listened
        sequencer.mini_block(8, 0, SECOND * 10**6 + 120_500)
        sequencer.mini_block(8, 1, SECOND * 10**6 + 130_900)
        sequencer.tell("miniBlocks", {"block_number": "seven"})
        sequencer.mini_block(9, 0, SECOND * 10**6 + 140_000)
        while watch.live.of(9) is None:
            watch.wait(longest_s=0.05)
        assert watch.live.of(7) is None
        assert watch.live.of(8) == (SECOND * 1000 + 120, 11)


@pytest.mark.parametrize(
    "message",
    [
        "7", '{"method": "eth_subscription", "params": [1]}', '{"method": "eth_subscription", "params": 1}', "[" * 5000,
        '{"id": 0, "result": {}}', "no JSON", "Infinity",
    ],
)  # fmt: skip
def test_a_message_that_means_nothing_is_passed_over_and_heads_are_still_announced(message):
    with Sequencer() as sequencer, HeadWatch(url=sequencer.url, poll_s=60) as watch:
        assert sequencer.ready.wait(10)
        sequencer.say(message)
        sequencer.tell("miniBlocks", {"block_number": 1e999, "index": 0, "mini_block_timestamp": 1})
        sequencer.tell("miniBlocks", {"block_number": "0x7", "index": 0, "mini_block_timestamp": SECOND * 10**6})
        for _ in range(100):
            watch.wait(longest_s=0.05)
            if watch.live.of(7):
                break
        assert watch.live.of(7) == (SECOND * 1000, 1)


def test_a_live_stamp_takes_the_place_of_a_share_of_the_second_and_time_never_runs_back():
    live = [None, (SECOND * 1000 + 700, 9), None, (SECOND * 1000 + 5_000, 1), None]
    times = block_times([SECOND] * 4 + [SECOND + 1], live=live)
    assert [time.time_ms - SECOND * 1000 for time in times] == [0, 700, 700, 750, 1000]
    assert [time.error_ms for time in times[:3]] == [999, 9, 500]


@pytest.mark.django_db
def test_live_stamps_are_stored_with_their_blocks(exchange):
    register(exchange)
    number = exchange.anvil.mine(time_s=SECOND)
    live = LiveTimes()
    live.take({"block_number": hex(number), "index": "0x0", "mini_block_timestamp": hex(SECOND * 10**6 + 250_000)})
    client = connect(urls=[exchange.anvil.url])
    Indexer(client, live=live).run()
    client.close()
    block = Block.objects.get(number=number)
    assert (block.time_ms, block.live_time_ms, block.live_error_ms) == (SECOND * 1000 + 250, SECOND * 1000 + 250, 1)


# --- eth_getLogsWithCursor ------------------------------------------------------------------------------------------


class Pages:
    """An HTTP server in front of a node that also offers eth_getLogsWithCursor, `page` logs at a time."""

    def __init__(self, node, *, page: int, stuck: bool = False) -> None:
        self.node, self.page, self.stuck, self.pages = node, page, stuck, 0

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": outer.answer(call)}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, call):
        assert call["method"] == "eth_getLogsWithCursor"
        wanted = dict(call["params"][0])
        start = int(wanted.pop("cursor", "0"))
        logs = self.node.rpc("eth_getLogs", wanted)
        self.pages += 1
        end = start if self.stuck else start + self.page
        return {"logs": logs[start:end]} | ({"cursor": str(end)} if end < len(logs) else {})


def test_logs_are_followed_page_by_page_where_a_node_offers_a_cursor(exchange):
    for order in range(25):
        exchange.place(order + 1, owner="0x" + "a" * 40, side="bid", price=9_000, size=1)
    number = exchange.submit()
    wanted = {"addresses": [exchange.address], "first": 0, "last": number}
    plain = connect(urls=[exchange.anvil.url])
    usual = fetch_logs(plain, **wanted)
    plain.close()
    with Pages(exchange.anvil, page=10) as pages:
        client = connect(urls=[pages.url])
        found = fetch_logs(client, **wanted)
        client.close()
    assert pages.pages == 3
    # Two logs of the exchange's own come before the 25 orders.
    assert len(found) == len(usual) == 27
    assert found.data.tobytes() == usual.data.tobytes()
    assert found.log_index.tolist()[2:] == list(range(25))


def test_a_cursor_that_gets_no_further_is_an_error_and_no_loop(exchange):
    exchange.place(1, owner="0x" + "a" * 40, side="bid", price=9_000, size=1)
    number = exchange.submit()
    with Pages(exchange.anvil, page=1, stuck=True) as pages:
        client = connect(urls=[pages.url])
        with pytest.raises(RpcGarbledError, match="any further"):
            fetch_logs(client, addresses=[exchange.address], first=0, last=number)
        client.close()
