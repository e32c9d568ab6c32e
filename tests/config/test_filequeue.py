"""The queue in files keeps what it is given."""

import pytest
from kombu import Connection

import config  # noqa: F401 - importing it makes `filesystem://` this project's transport
from config.embedded.layout import broker_options


@pytest.fixture
def connection(tmp_path):
    def connect() -> Connection:
        return Connection("filesystem://", transport_options=broker_options(tmp_path))

    return connect


def test_what_is_put_comes_out_once(connection):
    with connection() as line:
        queue = line.SimpleQueue("letters")
        for number in range(20):
            queue.put({"number": number})
        found = []
        for _ in range(20):
            message = queue.get(timeout=5)
            found.append(message.payload["number"])
            message.ack()
        assert sorted(found) == list(range(20))
        assert queue.qsize() == 0
        queue.close()
