"""Splits, halts and closures from the person who enters them to the evidence, in any order of work and of news."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connection, transaction

from accounts.errors import NotPermittedError
from accounts.models import User
from onchain.models import Market
from rewards.engine import evidence, scoring
from rewards.engine.verify import verify_bundle
from rewards.errors import ActionRefusedError, NotYetError
from rewards.models import Epoch, LiveState, MarketAction, Score
from rewards.selectors.actions import actions_of, epochs_scored_already, session_rows
from rewards.services import live
from rewards.services.action_import import actions_import, drafts_read
from rewards.services.actions import ActionDraft, action_confirm, action_enter, action_withdraw, closure_draft
from rewards.services.gathering import ground_of
from rewards.services.scoring import epoch_score
from rewards.services.stretches import stretch_score_next, stretches_score
from tests.engine.agreement import differences
from tests.engine.random_epochs import write_random_bundle
from tests.engine.scored_epochs import inputs_of
from tests.engine.split_epochs import draw_twins
from tests.pages.factories import scene
from tests.rewards.test_stretches import stored_files, straight_files
from tests.rows import blocks_of, put_epoch, settle_all, settle_through

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _evidence(settings, tmp_path):
    settings.EVIDENCE_DIR = tmp_path / "evidence"


@pytest.fixture
def operator() -> User:
    return User.objects.create_user(username="opal", role=User.Role.OPERATOR)


@pytest.fixture
def treasurer() -> User:
    return User.objects.create_user(username="tess", role=User.Role.TREASURER)


def act(operator: User, treasurer: User, **draft) -> MarketAction:
    """Enter an action and have it confirmed."""
    action = action_enter(by=operator, draft=ActionDraft(reason="so it was", **draft))
    return action_confirm(by=treasurer, action_id=action.pk)


def halt(operator: User, treasurer: User, market: str, from_ms: int, to_ms: int) -> MarketAction:
    return act(operator, treasurer, kind="halt", subject=market, from_ms=from_ms, to_ms=to_ms)


def in_pieces(epoch: Epoch, rng: Random, *, live_too: bool = True) -> None:
    """Let workers do what is due at some moments, then all of it, while live standings are looked at."""
    markets = sorted(ground_of(epoch).terms.markets)
    for time_ms in sorted(rng.sample(range(epoch.start_ms, epoch.end_ms + 1000), 4)):
        settle_through(time_ms)
        for market in rng.choices(markets, k=3):
            stretch_score_next(epoch_id=epoch.pk, market=market)
        try:
            live.live_score(epoch_id=epoch.pk)
        except NotYetError:
            assert not LiveState.objects.exists()
    settle_all()
    for market in markets:
        stretches_score(epoch_id=epoch.pk, market=market)


def stored_scores() -> dict[tuple[str, str, str], tuple[int, int, int]]:
    return {(row.market, row.maker, row.kind): (row.credit, row.present_ms, row.live_ms) for row in Score.objects.all()}


def verified(folder: Path) -> bool:
    """Whether a bundle verifies. The epoch before a random one is made up, and so is its root: that comes last."""
    difference = verify_bundle(folder).difference
    return difference is None or difference.row == "previous_root"


def published(epoch: Epoch, settings) -> Path:
    return Path(settings.EVIDENCE_DIR) / epoch.evidence_name


@pytest.mark.parametrize("seed", range(5))
def test_halts_of_people_count_the_same_whole_in_pieces_and_live(seed, tmp_path, settings, operator, treasurer, caplog):
    write_random_bundle(tmp_path / "bundle", seed, size=3)
    inputs = evidence.read_inputs(tmp_path / "bundle")
    place, times = blocks_of(inputs, Random(seed))
    epoch, rng = put_epoch(inputs, place=place, times=times), Random(seed)
    for market in inputs.terms.markets:
        for _ in range(rng.randint(1, 3)):
            begin = rng.randint(epoch.start_ms - 2000, epoch.end_ms - 2)
            halt(operator, treasurer, market, begin, begin + rng.randint(1, 3 * (epoch.end_ms - epoch.start_ms) // 4))
    in_pieces(epoch, rng)
    straight = straight_files(epoch, tmp_path / "straight")
    live.live_score(epoch_id=epoch.pk)
    running = stored_scores()
    epoch = epoch_score(epoch_id=epoch.pk)
    folder = published(epoch, settings)
    assert {name: raw for name, raw in stored_files(epoch, settings).items() if name != "actions.csv"} == straight
    assert running == stored_scores()
    assert differences(folder, seed) == []
    assert verified(folder)
    assert len((folder / "actions.csv").read_text().splitlines()) > 1
    assert sum(row.live_ms for row in Score.objects.all()) <= sum(row.live_ms for row in scoring.score(inputs).scores)
    assert "scored from its events" not in caplog.text


@pytest.mark.parametrize("seed", range(8))
def test_splits_of_people_change_nobodys_pay_whole_in_pieces_and_live(seed, tmp_path, settings, operator, treasurer):
    twin, split, splits = draw_twins(seed)
    # A maker that nobody carries for and a first epoch: the rows of the database begin here.
    inputs = replace(inputs_of(split), carried_in={}, previous=None)
    plain = replace(inputs_of(twin), carried_in={}, previous=None)
    place, times = blocks_of(inputs, Random(seed))
    epoch, rng = put_epoch(inputs, place=place, times=times), Random(seed)
    for market, time_ms, new, old in splits:
        act(operator, treasurer, kind="split", subject=market, from_ms=time_ms, new_shares=new, old_shares=old)
    in_pieces(epoch, rng)
    expected = scoring.score(plain)
    live.live_score(epoch_id=epoch.pk)
    running = stored_scores()
    epoch = epoch_score(epoch_id=epoch.pk)
    wanted = {(row.market, row.maker, row.kind): (row.credit, row.present_ms, row.live_ms) for row in expected.scores}
    assert stored_scores() == wanted
    assert running == wanted
    assert (epoch.root or None) == expected.root
    assert verified(published(epoch, settings))
    assert differences(published(epoch, settings), seed) == []


def random_live_epoch(tmp_path: Path, seed: int = 3) -> Epoch:
    write_random_bundle(tmp_path / "bundle", seed, size=3)
    inputs = evidence.read_inputs(tmp_path / "bundle")
    place, times = blocks_of(inputs, Random(seed))
    return put_epoch(inputs, place=place, times=times)


def test_a_halt_entered_late_changes_the_live_standing_and_the_stretches_of_its_market(
    tmp_path, settings, operator, treasurer
):
    epoch = random_live_epoch(tmp_path)
    market = sorted(ground_of(epoch).terms.markets)[0]
    settle_all()
    live.live_score(epoch_id=epoch.pk)
    stretches_score(epoch_id=epoch.pk, market=market)
    before = stored_scores()
    action = halt(operator, treasurer, market, epoch.start_ms, epoch.end_ms)
    live.live_score(epoch_id=epoch.pk)
    halted = stored_scores()
    assert {key[0] for key in before} - {key[0] for key in halted} == {market}
    action_withdraw(by=operator, action_id=action.pk, why="it was another market")
    live.live_score(epoch_id=epoch.pk)
    assert stored_scores() == before
    halt(operator, treasurer, market, epoch.start_ms, epoch.end_ms)
    epoch_score(epoch_id=epoch.pk)
    assert stored_scores() == halted


def test_what_nobody_else_has_confirmed_counts_for_nothing(tmp_path, settings, operator):
    epoch = random_live_epoch(tmp_path)
    market = sorted(ground_of(epoch).terms.markets)[0]
    action_enter(by=operator, draft=ActionDraft(
        kind="halt", subject=market, from_ms=epoch.start_ms, to_ms=epoch.end_ms, reason="why not",
    ))  # fmt: skip
    settle_all()
    epoch = epoch_score(epoch_id=epoch.pk)
    assert not (published(epoch, settings) / "actions.csv").exists()
    assert actions_of(epoch=epoch) == []


def test_what_is_confirmed_or_withdrawn_after_scoring_is_marked_and_changes_nothing(
    tmp_path, settings, operator, treasurer
):
    epoch = random_live_epoch(tmp_path)
    market = sorted(ground_of(epoch).terms.markets)[0]
    first = halt(operator, treasurer, market, epoch.start_ms, epoch.start_ms + 500)
    settle_all()
    epoch = epoch_score(epoch_id=epoch.pk)
    assert [(row.action, row.in_result, row.after_scoring) for row in actions_of(epoch=epoch)] == [(first, True, False)]
    second = halt(operator, treasurer, market, epoch.start_ms + 900, epoch.start_ms + 1000)
    action_withdraw(by=treasurer, action_id=first.pk, why="it was another market")
    rows = [(row.action, row.in_result, row.after_scoring) for row in actions_of(epoch=epoch)]
    assert rows == [(first, True, True), (second, False, True)]
    assert epochs_scored_already(program=epoch.program, action=second) == [epoch.number]


# Who may what


def test_nobody_confirms_what_they_entered_and_nothing_twice(tmp_path, operator, treasurer):
    random_live_epoch(tmp_path)
    market = Market.objects.first().name
    draft = ActionDraft(kind="halt", subject=market, from_ms=1, to_ms=2, reason="a halt")
    action = action_enter(by=operator, draft=draft)
    with pytest.raises(ActionRefusedError, match="another person has to confirm it"):
        action_confirm(by=operator, action_id=action.pk)
    action_confirm(by=treasurer, action_id=action.pk)
    with pytest.raises(ActionRefusedError, match="confirmed already"):
        action_confirm(by=treasurer, action_id=action.pk)
    with pytest.raises(ActionRefusedError, match="say why"):
        action_withdraw(by=operator, action_id=action.pk, why=" ")
    action_withdraw(by=operator, action_id=action.pk, why="wrong market")
    for attempt in (action_confirm, action_withdraw):
        with pytest.raises(ActionRefusedError, match="withdrawn already"):
            attempt(by=treasurer, action_id=action.pk, **({"why": "x"} if attempt is action_withdraw else {}))
    with pytest.raises(ActionRefusedError, match="no such entry"):
        action_confirm(by=treasurer, action_id=action.pk + 1)
    with pytest.raises(NotPermittedError, match="for Operators or Treasurers"):
        action_enter(by=AnonymousUser(), draft=draft)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reason": "  "}, "say why"),
        ({"subject": "NOTHING"}, "no market called NOTHING"),
        ({"kind": "pause"}, "pause is none of split, halt, closure"),
        ({"to_ms": 5}, "has to end after it begins"),
        ({"to_ms": None}, "has to end after it begins"),
        ({"kind": "split", "to_ms": None}, "two whole numbers"),
        ({"kind": "split", "to_ms": None, "new_shares": 8, "old_shares": 2}, "8 for 2 is 4 for 1; write it like that"),
        ({"kind": "split", "to_ms": None, "new_shares": 3, "old_shares": 3}, "changes nothing"),
        ({"kind": "split", "new_shares": 4, "old_shares": 1}, "has no end"),
        ({"kind": "closure", "subject": "XMARS"}, "no calendar XMARS"),
        ({"kind": "closure", "subject": "XNYS", "to_ms": 9**15}, "more than 14 days"),
        ({"reason": "a" * 301}, "at most 300 characters"),
        ({"source": "javascript:alert(document.cookie)"}, "a link that begins with https"),
        ({"source": "data:text/html,<script>"}, "a link that begins with https"),
        ({"source": "https://example.com/" + "a" * 500}, "at most 500 characters"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence(tmp_path, operator, change, says):
    random_live_epoch(tmp_path)
    good = {"kind": "halt", "subject": Market.objects.first().name, "from_ms": 10, "to_ms": 20, "reason": "a halt"}
    with pytest.raises(ActionRefusedError, match=says):
        action_enter(by=operator, draft=ActionDraft(**{**good, **change}))
    assert MarketAction.objects.count() == 0


def test_a_market_has_one_split_at_a_time_until_it_is_withdrawn(tmp_path, operator, treasurer):
    random_live_epoch(tmp_path)
    draft = ActionDraft(
        kind="split", subject=Market.objects.first().name, from_ms=10, new_shares=4, old_shares=1, reason="4 for 1"
    )
    first = action_enter(by=operator, draft=draft)
    with pytest.raises(ActionRefusedError, match="has a split at that time already"):
        action_enter(by=treasurer, draft=draft)
    action_withdraw(by=treasurer, action_id=first.pk, why="it is 5 for 1")
    action_enter(by=treasurer, draft=replace(draft, new_shares=5))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM rewards_marketaction",
        "UPDATE rewards_marketaction SET from_ms = from_ms + 1",
        "UPDATE rewards_marketaction SET reason = 'another'",
        "UPDATE rewards_marketaction SET entered_by_id = confirmed_by_id",
        "UPDATE rewards_marketaction SET confirmed_by_id = NULL, confirmed_at = NULL",
        "UPDATE rewards_marketaction SET confirmed_at = now()",
        "UPDATE rewards_marketaction SET withdrawn_at = now()",
        "INSERT INTO rewards_marketaction (kind, subject, from_ms, reason, source, entered_by_id, entered_as,"
        " entered_at, new_shares, old_shares, confirmed_as, withdrawn_why, confirmed_by_id, confirmed_at)"
        " SELECT 'split', subject, 5, reason, source, entered_by_id, entered_as, entered_at, 2, 1, '', '',"
        " confirmed_by_id, now() FROM rewards_marketaction",
    ],
)
def test_the_database_itself_keeps_the_list_as_it_was_entered(tmp_path, operator, treasurer, statement):
    random_live_epoch(tmp_path)
    halt(operator, treasurer, Market.objects.first().name, 10, 20)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_lets_nobody_confirm_their_own_entry_or_change_a_withdrawn_one(tmp_path, operator, treasurer):
    random_live_epoch(tmp_path)
    draft = ActionDraft(kind="halt", subject=Market.objects.first().name, from_ms=1, to_ms=2, reason="a halt")
    action_enter(by=operator, draft=draft)
    for change in ("confirmed_by_id = entered_by_id, confirmed_at = now()", "to_ms = 1"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE rewards_marketaction SET {change}")
    action_withdraw(by=treasurer, action_id=MarketAction.objects.get().pk, why="no")
    with pytest.raises(DatabaseError, match="is withdrawn"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_marketaction SET withdrawn_at = NULL, withdrawn_by_id = NULL")


# A list from a file

TOML = """
[[action]]
kind = "split"
subject = "{market}"
from = 2027-06-07T14:00:00-04:00
new = 4
old = 1
reason = "4 for 1"
source = "https://example.com/split"

[[action]]
kind = "closure"
subject = "XNYS"
from = 2027-01-09
reason = "Day of mourning"
"""
CSV = """kind,subject,from,to,new,old,reason,source
split,{market},2027-06-07T14:00:00-04:00,,4,1,4 for 1,https://example.com/split
closure,XNYS,2027-01-09,2027-01-09,,,Day of mourning,
"""


@pytest.mark.parametrize(("name", "text"), [("list.toml", TOML), ("list.csv", CSV)])
def test_a_list_from_a_file_is_entered_once(tmp_path, operator, name, text):
    random_live_epoch(tmp_path)
    (tmp_path / name).write_text(text.format(market=Market.objects.first().name))
    drafts = drafts_read(path=tmp_path / name)
    # 7 June 2027, 18:00 UTC; the closed day is 9 January by New York's clock, from 05:00 UTC.
    assert [(d.kind, d.from_ms, d.to_ms, d.new_shares, d.old_shares) for d in drafts] == [
        ("split", 1_812_391_200_000, None, 4, 1), ("closure", 1_799_470_800_000, 1_799_557_200_000, None, None),
    ]  # fmt: skip
    assert len(actions_import(by=operator, drafts=drafts)) == 2
    assert actions_import(by=operator, drafts=drafts) == []
    assert MarketAction.objects.filter(confirmed_at=None).count() == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("-04:00", "", "line 2: from has to be a moment with its zone"),
        (",4,1,", ",4,x,", "line 2: old has to be a whole number"),
        ("closure,XNYS,2027-01-09", "closure,XNYS,tomorrow", "line 3: from has to be a day"),
        ("kind,subject", "subject,kind", "the first line has to be kind,subject"),
        ("Day of mourning", "", "line 3: say why"),
        ("2027-01-09", "9999-12-31", "line 3: no calendar goes on beyond 9999-12-31"),
    ],
)
def test_a_file_that_is_wrong_says_where_and_nothing_is_entered(tmp_path, operator, old, new, says):
    random_live_epoch(tmp_path)
    (tmp_path / "list.csv").write_text(CSV.format(market=Market.objects.first().name).replace(old, new))
    with pytest.raises(ActionRefusedError, match=says):
        drafts_read(path=tmp_path / "list.csv")


# Closures


def test_a_closure_makes_a_holiday_of_an_epoch_that_has_begun_and_leaves_its_stored_sessions(
    tmp_path, operator, treasurer
):
    epoch = scene().live
    draft = closure_draft(calendar="XNYS", first=date(2025, 11, 26), last=date(2025, 11, 26), reason="a storm")
    action = action_enter(by=operator, draft=draft)
    before = [(row.start_ms, row.end_ms, row.kind) for row in session_rows(epoch=epoch)]
    action_confirm(by=treasurer, action_id=action.pk)
    rows = [(row.start_ms, row.end_ms, row.kind) for row in session_rows(epoch=epoch)]
    assert list(ground_of(epoch).sessions.rows) == rows
    hour, midnight = 3_600_000, draft.from_ms
    # Tuesday's post ends at 20:00; Wednesday is closed and Thursday is Thanksgiving, so all is holiday until
    # Thursday's 20:00, when the night before Friday's trading begins.
    assert (midnight - 4 * hour, midnight + 44 * hour, "holiday") in rows
    outside = [row for row in before if row[1] <= midnight - 4 * hour or row[0] >= midnight + 44 * hour]
    assert [row for row in rows if row[2] != "holiday" or row in outside] == outside
    assert list(epoch.sessions.values_list("start_ms", "end_ms", "kind")) == before
