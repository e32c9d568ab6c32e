"""The queue in files: a message appears under its name only when it is whole."""

import pytest
from kombu import Connection

import config  # noqa: F401 - importing it makes `filesystem://` this project's transport
from config.embedded.layout import broker_options


@pytest.fixture
def connection(tmp_path):
    def connect() -> Connection:
        return Connection("filesystem://", transport_options=broker_options(tmp_path))

    return connect


def test_what_is_put_comes_out_once_and_in_order(connection):
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


def test_a_message_that_is_still_being_written_is_no_message(connection, tmp_path, monkeypatch):
    """The writer dies between writing and renaming: what it left behind is never read as a message."""
    with connection() as line:
        queue = line.SimpleQueue("letters")
        monkeypatch.setattr("config.embedded.filequeue.os.replace", lambda *_: None)
        queue.put({"number": 1})
        assert queue.qsize() == 0
        monkeypatch.undo()
        queue.put({"number": 2})
        message = queue.get(timeout=5)
        assert message.payload == {"number": 2}
        message.ack()
        queue.close()
