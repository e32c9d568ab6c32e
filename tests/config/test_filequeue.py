"""The queue in files keeps what it is given, for as long as it is of use."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from kombu import Connection

import config  # noqa: F401 - importing it makes `filesystem://` this project's transport
from config.embedded.layout import broker_options

LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def connection(tmp_path):
    def connect() -> Connection:
        return Connection("filesystem://", transport_options=broker_options(tmp_path))

    return connect


def test_what_is_put_comes_out_once_and_in_its_order(connection):
    with connection() as line:
        queue = line.SimpleQueue("letters")
        for number in range(20):
            queue.put({"number": number})
        found = []
        for _ in range(20):
            message = queue.get(timeout=5)
            found.append(message.payload["number"])
            message.ack()
        assert found == list(range(20))
        assert queue.qsize() == 0
        queue.close()


@pytest.fixture
def tasks(tmp_path):
    """An application of Celery's own whose queue is in files."""
    app = Celery("letters", broker="filesystem://")
    app.conf.broker_transport_options = broker_options(tmp_path)
    return app


def taken(line: Connection, queue: str) -> list[str]:
    """Take all that a reader is given, and name the tasks."""
    found = []
    channel = line.channel()
    while (message := channel.basic_get(queue, no_ack=True)) is not None:
        found.append(message.headers["task"])
    return found


def test_what_has_expired_is_thrown_away_and_never_given_to_a_worker(connection, tasks, tmp_path):
    for number in range(300):
        tasks.send_task(f"late.{number}", expires=LONG_AGO, queue="letters")
    tasks.send_task("without.an.end", queue="letters")
    tasks.send_task("in.time", expires=60, queue="letters")
    tasks.send_task("late.of.another", expires=LONG_AGO, queue="parcels")
    with connection() as line:
        assert taken(line, "letters") == ["without.an.end", "in.time"]
        # Only the queue that is asked is looked at.
        assert [path.name.split(".")[1] for path in (tmp_path / "queue" / "messages").iterdir()] == ["parcels"]
        assert taken(line, "parcels") == []
    assert list((tmp_path / "queue" / "messages").iterdir()) == []


def test_a_message_that_another_reader_takes_meanwhile_is_not_taken_twice(connection, tasks):
    for number in range(100):
        tasks.send_task(f"letter.{number}", queue="letters")
    found: list[str] = []

    def read() -> None:
        with connection() as line:
            found.extend(taken(line, "letters"))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sorted(found) == sorted(f"letter.{number}" for number in range(100))
