"""Old partitions leave the database once they are in the archive and nothing needs them, and come back the same."""

import datetime as dt
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg import sql

from audit.owner import as_owner
from config import failpoints
from onchain.archive import EVENTS, LOGS, Partition, partitions
from onchain.derive import derive_again, derive_markets
from onchain.errors import ArchivedError
from onchain.models import AdapterState, ArchivedPartition, Block, Cursor, Market, WatchedContract
from onchain.partitions import ensure_partitions
from onchain.selectors import contract_logs, halt_changes, market_events_arrow
from rewards.errors import ArchiveError
from rewards.models import ArchivedEvidence, Dispute, Epoch, EpochRevision, Rederivation
from rewards.services.archive.partitions import partitions_to_go
from rewards.services.archive.store import Archive
from rewards.services.quarantine import rederivations_do
from tests.bench.bundles import write_bundle
from tests.pages.dispute_rows import make_dispute, somebody
from tests.pages.factories import WEEKS, hash_, scene

pytestmark = pytest.mark.django_db(transaction=True)
DAY_MS = 86_400_000
MILLION = 1_000_000
BUCKET = "lamplight-archive"
TOKEN = "0x" + "70" * 20
BOOK = "0x" + "ee" * 20


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder, events=400, markets=2, makers_each=3)
    return folder


@pytest.fixture(scope="module")
def s3():
    """A server that speaks S3, in this process, on a port of its own."""
    import boto3
    from moto.server import ThreadedMotoServer

    before = dict(os.environ)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ.update(
        AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret", AWS_ENDPOINT_URL=f"http://{host}:{port}",
        AWS_DEFAULT_REGION="eu-west-1",
    )  # fmt: skip
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield f"s3://{BUCKET}/main"
    server.stop()
    for name in set(os.environ) - set(before):
        del os.environ[name]


@pytest.fixture
def no_partitions(transactional_db):
    """Begin and end without any: emptying tables between tests leaves the partitions that others made.

    Asked for before `settings`, so that the owner's name is there again when it ends.
    """
    drop_partitions()
    yield
    drop_partitions()


def drop_partitions() -> None:
    with as_owner(), connection.cursor() as cursor:
        for each in partitions():
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(each.name)))


@pytest.fixture
def stage(no_partitions, settings, tmp_path, bundle):
    """Two partitions of August and September, and one of now; the first epoch pays, the second waits."""
    settings.EVIDENCE_DIR, settings.ARCHIVE_URL = tmp_path / "evidence", f"file://{tmp_path}/archive"
    made = scene(markets=("AAPL-PERP",))
    shutil.copytree(bundle, settings.EVIDENCE_DIR / "paid-1")
    Epoch.objects.filter(pk=made.paying.pk).update(evidence_name="paid-1")
    EpochRevision.objects.all().delete()
    WatchedContract.objects.create(address=TOKEN, start_block=1, stored_through=3 * MILLION, whole=True)
    ensure_partitions(first_block=0, last_block=3 * MILLION - 1)
    for number, time_ms in (
        (10, WEEKS[0] - 100 * DAY_MS), (MILLION - 1, WEEKS[0] - 80 * DAY_MS),
        (MILLION + 5, WEEKS[0] - 79 * DAY_MS), (2 * MILLION - 9, WEEKS[0] - 60 * DAY_MS),
        (2 * MILLION + 1, WEEKS[0] - 50 * DAY_MS), (2_500_000, WEEKS[2]),
    ):  # fmt: skip
        block(number, time_ms)
        write(number)
    Cursor.objects.update(first_block=0, block_number=2_500_000, final_block=2_500_000, verified_block=2_500_000)
    Block.objects.filter(number=48_213).delete()
    market = Market.objects.get()
    market.adapter, market.config = "lamplight", {"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}}
    market.derived_through, market.start_block = 2_500_000, 0
    market.save()
    AdapterState.objects.create(market=market, block_number=2 * MILLION - 1, state=b"", book=b"")
    made.market = market
    return made


def block(number: int, time_ms: int) -> None:
    Block.objects.create(
        hash=hash_(number), number=number, parent_hash=hash_(number - 1), receipts_root=hash_(7),
        timestamp_s=time_ms // 1000, time_ms=time_ms, time_error_ms=0, settled=number < 2_500_000,
        status=2, canonical=True,
    )  # fmt: skip


def write(number: int) -> None:
    """One order, the log that told of it, and a transfer of the share token."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO onchain_marketevent VALUES (%s, 100, 7, NULL, %s, 0, 0, true, %s, '0x' || repeat('a', 40), "
            "NULL)", [number, Market.objects.get().pk, f"order {number}"],
        )  # fmt: skip
        for index, address in enumerate((BOOK, TOKEN)):
            cursor.execute(
                "INSERT INTO onchain_rawlog VALUES (%s, %s, 0, %s, %s, %s, '\\x01', '\\x00ff')",
                [number, index, bytes.fromhex(hash_(number)[2:]), b"\1" * 32, address],
            )


def rows_of(table: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY block_number, log_index")
        return cursor.fetchall()


def here() -> set[str]:
    return {each.name for each in partitions()}


def archive(*args: str, **options: object) -> str:
    said = io.StringIO()
    call_command("archive", *args, stdout=said, **options)
    return said.getvalue()


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_what_nothing_needs_goes_and_comes_back_byte_for_byte(stage, settings, tmp_path, request, kind):
    if kind == "s3":
        settings.ARCHIVE_URL = request.getfixturevalue("s3")
    events, logs = rows_of(EVENTS), rows_of(LOGS)
    said = archive()
    assert here() == {f"{LOGS}_p0", f"{LOGS}_p1", f"{LOGS}_p2", f"{EVENTS}_p2"}, said
    assert [row[0] for row in rows_of(EVENTS)] == [2 * MILLION + 1, 2_500_000]
    # Of logs those of the share token stay: it is read from its beginning.
    assert [row[5] for row in rows_of(LOGS) if row[0] < 2 * MILLION] == [TOKEN] * 4
    assert len(contract_logs(address=TOKEN, from_block=0, to_block=2_500_000)) == 6
    assert ArchivedPartition.objects.exclude(dropped_at=None).count() == 4
    assert [row.evidence_name for row in ArchivedEvidence.objects.all()] == ["paid-1"]
    archive("--check")
    archive()
    assert here() == {f"{LOGS}_p0", f"{LOGS}_p1", f"{LOGS}_p2", f"{EVENTS}_p2"}
    archive("--restore", "0")
    assert (rows_of(EVENTS), rows_of(LOGS)) == (events, logs)
    archive("--fetch", stage.program.slug, "1", into=tmp_path / "fetched")
    done = subprocess.run(
        [sys.executable, "-m", "rewards.engine", "verify", str(tmp_path / "fetched" / "paid-1")],
        cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_works_where_django_notes_every_statement(stage):
    events, logs = rows_of(EVENTS), rows_of(LOGS)
    with CaptureQueriesContext(connection):
        archive()
        archive("--restore", "0")
        table = market_events_arrow(markets=["AAPL-PERP"], from_ms=WEEKS[0] - 90 * DAY_MS, to_ms=WEEKS[0])
    assert (rows_of(EVENTS), rows_of(LOGS)) == (events, logs)
    # The first rests since before: it is carried in.
    assert table.column("order").to_pylist() == [f"order {number}" for number, *_ in events[:5]]


def test_readers_are_told_that_something_is_in_the_archive_instead_of_getting_less(stage):
    archive()
    with pytest.raises(ArchivedError, match="archive --restore"):
        market_events_arrow(markets=["AAPL-PERP"], from_ms=WEEKS[0] - 90 * DAY_MS, to_ms=WEEKS[0])
    with pytest.raises(ArchivedError):
        derive_again(market=stage.market)
    # What the live epoch begins with is there: the kept state, and the events since.
    table = market_events_arrow(markets=["AAPL-PERP"], from_ms=WEEKS[1], to_ms=WEEKS[2] + 1, carry_in=False)
    assert table.column("block").to_pylist() == [2_500_000]


def test_a_market_that_starts_after_a_dropped_partition_is_read_from_its_first_block(stage):
    archive()
    AdapterState.objects.all().delete()
    Market.objects.update(start_block=2 * MILLION)
    table = market_events_arrow(markets=["AAPL-PERP"], from_ms=WEEKS[1], to_ms=WEEKS[2] + 1)
    assert table.column("block").to_pylist() == [2 * MILLION + 1, 2_500_000]


READERS: dict[str, Callable[[], object]] = {
    "events": lambda: market_events_arrow(
        markets=["AAPL-PERP"], from_ms=WEEKS[0] - 90 * DAY_MS, to_ms=WEEKS[0], carry_in=False
    ),
    "the book": lambda: market_events_arrow(
        markets=["AAPL-PERP"], from_ms=WEEKS[0] - 59 * DAY_MS, to_ms=WEEKS[0] - 59 * DAY_MS
    ),
    "halts": lambda: halt_changes(market="AAPL-PERP", from_ms=0, to_ms=WEEKS[0]),
}  # fmt: skip


@pytest.mark.parametrize("what", READERS)
def test_a_reader_whose_rows_are_dropped_while_it_reads_is_told_so(stage, what):
    archive("--copy-only")
    READERS[what]()

    def dropping() -> None:
        try:
            archive()
        finally:
            connection.close()

    def drop_once_asked(execute, query, params, many, context):
        found = execute(query, params, many, context)
        if "onchain_archivedpartition" in query and len(here()) == 6:
            with ThreadPoolExecutor(1) as other:
                other.submit(dropping).result(timeout=60)
        return found

    with connection.execute_wrapper(drop_once_asked), pytest.raises(ArchivedError):
        READERS[what]()
    assert f"{EVENTS}_p0" not in here()


def test_a_market_that_can_not_be_derived_from_what_is_here_stands_still_and_the_others_go_on(stage):
    archive()
    AdapterState.objects.update(state=b"of an older release")
    address = "0x" + "ab" * 20
    WatchedContract.objects.create(address=stage.market.address, start_block=0, stored_through=2_500_000)
    WatchedContract.objects.create(address=address, start_block=2_499_990, stored_through=2_500_000)
    other = Market.objects.get()
    other.pk, other.name, other.address = None, "MSFT-PERP", address
    other.start_block, other.derived_through = 2_499_990, 2_499_989
    other.save()
    derive_markets(cursor=Cursor.objects.get())
    stage.market.refresh_from_db()
    other.refresh_from_db()
    assert (stage.market.quarantined_block, stage.market.derived_through) == (2_500_001, 2_500_000)
    assert "archive --restore" in stage.market.quarantine_reason
    assert (other.quarantined_block, other.derived_through) == (None, 2_500_000)
    # What is derived of it is still read.
    market_events_arrow(markets=["AAPL-PERP"], from_ms=WEEKS[1], to_ms=WEEKS[2] + 1, carry_in=False)
    # Who asks for it to be derived again gets that once its rows are back.
    Rederivation.objects.create(
        market=stage.market, block_number=2_500_001, contradiction=stage.market.quarantine_reason,
        reason="Its rows are to be back.", asked_by=somebody("operator", "operator"), asked_at=timezone.now(),
    )  # fmt: skip
    assert rederivations_do(now=timezone.now()) == 0
    archive("--restore", "0")
    assert rederivations_do(now=timezone.now()) == 1
    stage.market.refresh_from_db()
    assert (stage.market.quarantined_block, stage.market.derived_through) == (None, -1)


def as_if_at(time_ms: int) -> None:
    """Say that all blocks but the newest were at this time, in their order."""
    for row in Block.objects.filter(number__lt=2_500_000).order_by("-number"):
        row.time_ms, row.timestamp_s = time_ms + row.number // 1000, time_ms // 1000
        row.save()


NEEDS = {
    # what: the time of the old blocks, against which epoch's start 35 days before count
    "an open dispute": WEEKS[0] - 33 * DAY_MS,
    "an unscored epoch": WEEKS[1] - 33 * DAY_MS,
    "the state that a later epoch begins with": WEEKS[0] - 50 * DAY_MS,
    "a quarantine": WEEKS[0] - 50 * DAY_MS,
    "the days that stay": WEEKS[0] - 50 * DAY_MS,
}


@pytest.mark.parametrize("what", NEEDS)
def test_what_is_needed_stays(stage, settings, what):
    settings.ARCHIVE_AFTER_DAYS = 0
    archive("--copy-only")
    as_if_at(NEEDS[what])
    without = {each.name for each in partitions_to_go()}
    if what == "an open dispute":
        make_dispute(stage.paying)
        assert Dispute.objects.filter(epoch=stage.paying).get().state == "open"
    elif what == "the state that a later epoch begins with":
        AdapterState.objects.all().delete()
    elif what == "a quarantine":
        Market.objects.update(quarantined_block=2 * MILLION + 5)
    elif what == "the days that stay":
        settings.ARCHIVE_AFTER_DAYS = 365
    said = archive()
    assert {f"{EVENTS}_p0", f"{LOGS}_p0"} <= here(), said
    # Nothing else held it back.
    assert (f"{EVENTS}_p0" in without) == (what != "an unscored epoch")


def test_without_its_evidence_in_the_archive_no_epochs_rows_go(stage, settings):
    shutil.rmtree(settings.EVIDENCE_DIR / "paid-1")
    with pytest.raises(CommandError, match="not on this machine"):
        archive()
    assert len(here()) == 6
    settings.ARCHIVE_AFTER_DAYS = 0
    as_if_at(WEEKS[0] - 33 * DAY_MS)
    assert partitions_to_go() == []


POINTS = (
    "archive.file_put", "archive.evidence_put", "archive.written_out", "archive.partition_put", "archive.recorded",
    "archive.dropped", "archive.committed",
)  # fmt: skip


class Killed(BaseException):
    """What stands for the end of the process."""


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_ends_at_any_line_is_finished_by_the_next(stage, monkeypatch, point):
    logs = [row for row in rows_of(LOGS) if row[5] == TOKEN]

    def hit(name: str) -> None:
        if name == point:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "hit", hit)
        with pytest.raises(Killed):
            archive()
    connection.close()
    archive()
    assert here() == {f"{LOGS}_p0", f"{LOGS}_p1", f"{LOGS}_p2", f"{EVENTS}_p2"}
    assert [row for row in rows_of(LOGS) if row[5] == TOKEN] == logs
    archive("--check")


def test_rows_that_came_after_the_copy_are_not_lost(stage):
    archive("--copy-only")
    assert len(here()) == 6
    block(20, WEEKS[0] - 99 * DAY_MS)
    write(20)
    archive()
    assert {f"{EVENTS}_p0", f"{LOGS}_p0"} <= here()
    archive()
    assert f"{EVENTS}_p0" not in here()
    archive("--restore", "0")
    assert [row[0] for row in rows_of(EVENTS)][:2] == [10, 20]


def test_rows_that_were_written_anew_after_the_copy_are_not_lost_though_they_are_as_many(stage):
    archive("--copy-only")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {EVENTS} SET price = 101 WHERE block_number = 10")
    said = archive()
    assert "other rows than when it was archived (2 then, 2 now)" in said
    assert f"{EVENTS}_p0" in here()
    assert f"{EVENTS}_p1" not in here()
    archive()
    assert f"{EVENTS}_p0" not in here()
    archive("--restore", "0")
    assert 101 in rows_of(EVENTS)[0]


def test_rows_that_were_fetched_after_the_drop_stay_when_the_others_come_back(stage):
    logs = rows_of(LOGS)
    archive()
    vault = "0x" + "dd" * 20
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO onchain_rawlog VALUES (10, 2, 0, %s, %s, %s, '\\x01', '\\x00ff')",
            [bytes.fromhex(hash_(10)[2:]), b"\1" * 32, vault],
        )
    archive("--restore", "0")
    back = rows_of(LOGS)
    assert [row for row in back if row[5] == vault] == [back[2]]
    assert [row for row in back if row[5] != vault] == logs


def test_an_archive_that_was_changed_is_found_out_and_nothing_is_dropped_for_it(stage, tmp_path):
    archive("--copy-only")
    file = tmp_path / "archive" / "partitions" / EVENTS / "00000000.parquet"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    with pytest.raises(CommandError, match="not the file that was archived"):
        archive("--check")
    with pytest.raises(CommandError, match="not the file that was archived"):
        archive()
    assert len(here()) == 6
    (tmp_path / "archive" / "evidence" / "paid-1" / "scores.csv").write_text("forged")
    with pytest.raises(CommandError, match="not the file that was archived"):
        archive("--fetch", stage.program.slug, "1", into=tmp_path / "fetched")
    assert list((tmp_path / "fetched").iterdir()) == []


def test_only_the_owner_of_the_tables_drops_and_the_dry_run_touches_nothing(stage, settings):
    archive("--dry-run")
    assert not ArchivedEvidence.objects.exists()
    assert len(here()) == 6
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.pg_get_userbyid(relowner) FROM pg_class WHERE relname = %s", [f"{LOGS}_p0"])
        assert cursor.fetchone()[0] == settings.DATABASE_OWNER["USER"]
    settings.DATABASE_OWNER = None
    with pytest.raises(CommandError, match="MIGRATE_DATABASE_URL"):
        archive()
    assert len(here()) == 6


@pytest.mark.parametrize("url", ["", "archive", "s3://key:secret@bucket/path", "nowhere://bucket"])
def test_an_address_that_is_no_archive_is_refused_in_a_sentence(settings, url):
    settings.ARCHIVE_URL = url
    with pytest.raises((ArchiveError, CommandError)) as refused:
        archive("--check")
    assert "secret" not in str(refused.value).replace("s3://key:secret", "")


def test_partitions_are_known_by_their_blocks():
    part = Partition(3, EVENTS)
    assert (part.first_block, part.last_block, part.name) == (3_000_000, 3_999_999, "onchain_marketevent_p3")
    assert Archive("file:///tmp/x/").url_of("a/b") == "file:///tmp/x/a/b"
    assert timezone.now().tzinfo == dt.UTC
