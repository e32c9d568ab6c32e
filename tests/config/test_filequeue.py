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


def test_a_message_appears_under_its_name_only_when_it_is_whole(connection, tmp_path, monkeypatch):
    """The writer dies between writing and renaming: no name that a reader looks for is there."""
    with connection() as line:
        queue = line.SimpleQueue("letters")
        monkeypatch.setattr("config.embedded.filequeue.os.replace", lambda *_: None)
        queue.put({"number": 1})
        names = [path.name for path in (tmp_path / "queue" / "messages").iterdir()]
        assert len(names) == 1
        assert "letters.msg" not in names[0]
        queue.close()
