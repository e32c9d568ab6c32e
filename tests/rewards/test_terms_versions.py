"""Four eyes on terms: who may do what to a version, from when it holds, and what the database itself refuses."""

import hashlib
import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.errors import NotPermittedError
from accounts.models import User
from onchain.models import Block
from rewards.errors import TermsInvalidError, TermsRefusedError
from rewards.models import Epoch, Program, TermsComment, TermsVersion
from rewards.services.programs import epoch_schedule_next, epochs_begin
from rewards.services.terms_versions import (
    terms_accept,
    terms_change,
    terms_comment,
    terms_draft,
    terms_hand_in,
    terms_send_back,
    terms_withdraw,
)
from tests.pages.factories import BOOSTS, CLOCK, TOKEN, WEEKS, clock, make_epoch, make_program, ms, template

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 11, 26, 19, 2, tzinfo=UTC)
FIFTH_WEEK = ms(2025, 12, 8)


@pytest.fixture
def program() -> Program:
    """Epoch 3 runs, epoch 4 is announced and has not begun."""
    clock(CLOCK)
    program = make_program()
    make_epoch(program, 3, WEEKS[2], WEEKS[3])
    epochs_begin(now_ms=CLOCK)
    make_epoch(program, 4, WEEKS[3], FIFTH_WEEK)
    return program


@pytest.fixture
def people() -> dict[str, User]:
    roles = {"tess": "treasurer", "tom": "treasurer", "rui": "reviewer"}
    return {name: User.objects.create_user(username=name, role=role) for name, role in roles.items()}


def drafted(program: Program, by: User, **changes: object) -> TermsVersion:
    days = changes.pop("epoch_days", 7)
    return terms_draft(by=by, program=program, document=template(program, **changes), epoch_days=days)


def handed_in(program: Program, by: User, **changes: object) -> TermsVersion:
    version = drafted(program, by, **changes)
    terms_hand_in(by=by, version=version, sha256=version.terms_sha256, now=NOW, now_ms=CLOCK)
    return version


def accept(version: TermsVersion, by: User, *, from_epoch: int = 4, now_ms: int = CLOCK) -> None:
    terms_accept(
        by=by, version=version, sha256=version.terms_sha256, from_epoch=from_epoch, now=NOW, now_ms=now_ms
    )  # fmt: skip
    version.refresh_from_db()


def withdraw(version: TermsVersion, by: User, *, now_ms: int = CLOCK, reason: str = "Too dear.") -> None:
    terms_withdraw(by=by, version=version, reason=reason, now=NOW, now_ms=now_ms)
    version.refresh_from_db()


def go_on(time_ms: int) -> None:
    """The chain comes to this moment."""
    Block.objects.update(time_ms=time_ms, timestamp_s=time_ms // 1000)


def told(epoch: Epoch) -> str:
    """The hash of an epoch's terms, worked out from the document alone."""
    document = json.loads(epoch.terms_json)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def boost_of(program: Program, number: int) -> int:
    return json.loads(program.epochs.get(number=number).terms_json)["boosts"]["weekend"]


HIGHER = {**BOOSTS, "weekend": 400}


def test_what_two_people_agreed_on_is_what_the_next_epoch_begins_with(program, people):
    version = handed_in(program, people["tess"], boosts=HIGHER)
    accept(version, people["rui"])
    assert (version.state, version.from_epoch, version.from_ms) == ("scheduled", 4, WEEKS[3])
    go_on(WEEKS[3])
    assert epochs_begin(now_ms=WEEKS[3]) == 1
    epoch = program.epochs.get(number=4)
    assert epoch.state == Epoch.State.LIVE
    epoch_part = {"number": 4, "start_ms": WEEKS[3], "end_ms": FIFTH_WEEK}
    assert json.loads(epoch.terms_json) == template(program, boosts=HIGHER) | {"epoch": epoch_part}
    assert epoch.terms_sha256 == told(epoch)
    # And so does every later one, by itself.
    following = epoch_schedule_next(program=program, now_ms=WEEKS[3])
    assert (following.number, boost_of(program, 5)) == (5, 400)


def test_a_version_for_a_later_epoch_leaves_those_before_it_as_they_are(program, people):
    accept(handed_in(program, people["tess"], boosts=HIGHER), people["rui"], from_epoch=6)
    go_on(WEEKS[3])
    epochs_begin(now_ms=WEEKS[3])
    Program.objects.update(template_json=json.dumps(template(program)))
    program.refresh_from_db()
    for number, begins in ((5, WEEKS[3]), (6, FIFTH_WEEK)):
        go_on(begins)
        epoch_schedule_next(program=program, now_ms=begins)
        epochs_begin(now_ms=begins)
        assert boost_of(program, number) == (300 if number == 5 else 400)


def test_a_longer_epoch_has_its_end_and_its_sessions_anew(program, people):
    accept(handed_in(program, people["tess"], epoch_days=14), people["tom"])
    epoch = program.epochs.get(number=4)
    assert (epoch.start_ms, epoch.end_ms) == (WEEKS[3], ms(2025, 12, 15))
    sessions = list(epoch.sessions.values_list("start_ms", "end_ms"))
    assert (sessions[0][0], sessions[-1][1]) == (epoch.start_ms, epoch.end_ms)
    assert all(before[1] == after[0] for before, after in pairwise(sessions))


def test_a_withdrawal_gives_the_epochs_what_they_had(program, people):
    before = program.epochs.get(number=4)
    sessions = list(before.sessions.values_list("start_ms", "end_ms", "kind"))
    version = handed_in(program, people["tess"], boosts=HIGHER, epoch_days=9)
    accept(version, people["rui"])
    assert program.epochs.get(number=4).end_ms == ms(2025, 12, 10)
    withdraw(version, people["tom"])
    after = program.epochs.get(number=4)
    assert (after.terms_json, after.terms_sha256, after.end_ms) == (before.terms_json, before.terms_sha256, FIFTH_WEEK)
    assert list(after.sessions.values_list("start_ms", "end_ms", "kind")) == sessions
    assert (version.state, version.withdrawn_why) == ("withdrawn", "Too dear.")


def test_withdrawing_a_later_version_brings_the_one_before_it_back(program, people):
    accept(handed_in(program, people["tess"], boosts=HIGHER), people["rui"], from_epoch=4)
    later = handed_in(program, people["tess"], boosts={**BOOSTS, "weekend": 500})
    accept(later, people["rui"], from_epoch=5)
    go_on(WEEKS[3])
    epochs_begin(now_ms=WEEKS[3])
    epoch_schedule_next(program=program, now_ms=WEEKS[3])
    assert boost_of(program, 5) == 500
    withdraw(later, people["tom"], now_ms=WEEKS[3])
    assert boost_of(program, 5) == 400


def test_a_programmes_first_terms_begin_it_when_they_say(people):
    clock(CLOCK)
    program = make_program()
    version = terms_draft(
        by=people["tess"], program=program, document=template(program), epoch_days=7, first_start_ms=WEEKS[3]
    )
    terms_hand_in(by=people["tess"], version=version, sha256=version.terms_sha256, now=NOW, now_ms=CLOCK)
    accept(version, people["rui"], from_epoch=1)
    epoch = program.epochs.get()
    assert (epoch.number, epoch.start_ms, epoch.end_ms) == (1, WEEKS[3], FIFTH_WEEK)
    withdraw(version, people["rui"])
    assert not program.epochs.exists()


def test_terms_whose_epoch_no_calendar_reaches_are_not_accepted(people):
    clock(CLOCK)
    program = make_program()
    # 2200-12-01T05:00Z is midnight in New York: a week from there ends in time, 366 days do not.
    version = terms_draft(
        by=people["tess"], program=program, document=template(program), epoch_days=366,
        first_start_ms=7_286_994_000_000,
    )  # fmt: skip
    terms_hand_in(by=people["tess"], version=version, sha256=version.terms_sha256, now=NOW, now_ms=CLOCK)
    with pytest.raises(TermsRefusedError, match="Calendar XNYS knows the exchange's days until 2200-12-31"):
        accept(version, people["rui"], from_epoch=1)
    version.refresh_from_db()
    assert version.state == "in_review"
    assert not program.epochs.exists()


def test_where_no_epoch_runs_terms_have_to_say_when_the_first_one_begins(people):
    clock(CLOCK)
    program = make_program()
    version = drafted(program, people["tess"])
    with pytest.raises(TermsRefusedError, match="when the first one begins"):
        terms_hand_in(by=people["tess"], version=version, sha256=version.terms_sha256, now=NOW, now_ms=CLOCK)


# --- four eyes --------------------------------------------------------------------------------------------


def test_nobody_reviews_what_they_drafted(program, people):
    version = handed_in(program, people["tess"])
    with pytest.raises(TermsRefusedError, match="another person than their author"):
        accept(version, people["tess"])
    with pytest.raises(TermsRefusedError, match="another person than their author"):
        terms_send_back(by=people["tess"], version=version, comment="Hm.", now=NOW)


STEPS = {
    "change": lambda v, by: terms_change(by=by, version=v, document=json.loads(v.terms_json), epoch_days=7),
    "hand in": lambda v, by: terms_hand_in(by=by, version=v, sha256=v.terms_sha256, now=NOW, now_ms=CLOCK),
    "withdraw": lambda v, by: withdraw(v, by),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_draft_is_its_authors_alone(program, people, step):
    version = drafted(program, people["tess"])
    with pytest.raises(TermsRefusedError, match="somebody else's"):
        STEPS[step](version, people["tom"])


def test_a_draft_changes_until_it_is_handed_in_and_never_after(program, people):
    version = drafted(program, people["tess"])
    before = version.terms_sha256
    changed = template(program, boosts=HIGHER)
    version = terms_change(by=people["tess"], version=version, document=changed, epoch_days=7)
    assert version.terms_sha256 != before
    with pytest.raises(TermsRefusedError, match="changed after you opened the page"):
        terms_hand_in(by=people["tess"], version=version, sha256=before, now=NOW, now_ms=CLOCK)
    terms_hand_in(by=people["tess"], version=version, sha256=version.terms_sha256, now=NOW, now_ms=CLOCK)
    with pytest.raises(TermsRefusedError, match="no draft any more"):
        terms_change(by=people["tess"], version=version, document=template(program), epoch_days=7)


def test_what_is_sent_back_says_why_and_goes_no_further(program, people):
    version = handed_in(program, people["tess"])
    with pytest.raises(TermsRefusedError, match="say in a comment"):
        terms_send_back(by=people["rui"], version=version, comment="  ", now=NOW)
    terms_send_back(by=people["rui"], version=version, comment="The budget is last year's.", now=NOW)
    assert TermsComment.objects.get().text == "The budget is last year's."
    with pytest.raises(TermsRefusedError, match="not in review"):
        accept(version, people["tom"])
    # The next one is a version of its own, and the old one stays.
    assert drafted(program, people["tess"]).number == 2


def test_a_reviewer_drafts_nothing_and_an_operator_reviews_nothing(program, people):
    with pytest.raises(NotPermittedError):
        drafted(program, people["rui"])
    operator = User.objects.create_user(username="olu", role="operator")
    with pytest.raises(NotPermittedError):
        accept(handed_in(program, people["tess"]), operator)
    with pytest.raises(NotPermittedError):
        terms_comment(by=operator, version=TermsVersion.objects.get(), text="Hm.")


@pytest.mark.parametrize("from_epoch", [0, 1, 3, 99])
def test_terms_are_accepted_for_an_epoch_that_has_not_begun(program, people, from_epoch):
    with pytest.raises(TermsRefusedError, match=r"has begun or lies too far ahead; choose one of 4, 5, 6"):
        accept(handed_in(program, people["tess"]), people["rui"], from_epoch=from_epoch)


def test_an_epoch_whose_time_has_come_has_begun_even_before_anything_turned_it_live(program, people):
    version = handed_in(program, people["tess"])
    go_on(WEEKS[3])
    with pytest.raises(TermsRefusedError, match="epoch 4 has begun"):
        accept(version, people["rui"], now_ms=WEEKS[3])
    accept(version, people["rui"], from_epoch=5, now_ms=WEEKS[3])


def test_a_second_version_for_the_same_epoch_waits_until_the_first_is_withdrawn(program, people):
    first, second = handed_in(program, people["tess"]), handed_in(program, people["tess"], boosts=HIGHER)
    accept(first, people["rui"])
    with pytest.raises(TermsRefusedError, match="withdraw those first"):
        accept(second, people["rui"])
    withdraw(first, people["tess"])
    accept(second, people["rui"])
    assert boost_of(program, 4) == 400


def test_terms_can_not_be_withdrawn_once_their_epoch_has_begun(program, people):
    version = handed_in(program, people["tess"])
    accept(version, people["rui"])
    with pytest.raises(TermsRefusedError, match="say why"):
        withdraw(version, people["tess"], reason=" ")
    with pytest.raises(TermsRefusedError, match="epoch 4 has begun with them"):
        withdraw(version, people["tess"], now_ms=WEEKS[3])


def test_a_block_that_comes_between_the_page_and_the_write_is_a_sentence_and_changes_nothing(program, people):
    first, second = handed_in(program, people["tess"]), handed_in(program, people["tess"])
    accept(first, people["rui"])
    go_on(WEEKS[3])
    # Both were looked at while the epoch had not begun yet.
    with pytest.raises(TermsRefusedError, match="began meanwhile"):
        withdraw(first, people["tess"], now_ms=CLOCK)
    go_on(FIFTH_WEEK)
    with pytest.raises(TermsRefusedError, match="began meanwhile"):
        accept(second, people["rui"], from_epoch=5, now_ms=CLOCK)
    states = TermsVersion.objects.order_by("number").values_list("state", flat=True)
    assert list(states) == ["scheduled", "in_review"]


def test_terms_of_another_programme_or_token_are_refused_by_name(program, people):
    with pytest.raises(TermsInvalidError) as raised:
        drafted(program, people["tess"], budget="x", min_payout=-1)
    assert {problem.path for problem in raised.value.problems} == {"budget", "min_payout"}
    wrong = template(program) | {"program": "other", "token": "0x" + "12" * 20, "epoch": {}}
    with pytest.raises(TermsInvalidError, match="leave it out"):
        terms_draft(by=people["tess"], program=program, document=wrong, epoch_days=7)
    del wrong["epoch"]
    with pytest.raises(TermsInvalidError) as raised:
        terms_draft(by=people["tess"], program=program, document=wrong, epoch_days=7)
    assert {problem.path for problem in raised.value.problems} == {"program", "token"}
    assert not TermsVersion.objects.exists()


# --- the database itself ----------------------------------------------------------------------------------


def sql(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def refused(message: str):
    return pytest.raises(DatabaseError, match=message)


@pytest.fixture
def version(program, people) -> TermsVersion:
    return handed_in(program, people["tess"])


def test_sql_can_not_change_what_was_handed_in(version):
    text = version.terms_json.replace("300", "900")
    digest = hashlib.sha256(text.encode()).hexdigest()
    with refused("handed in; what they say can't be changed"):
        sql("UPDATE rewards_termsversion SET terms_json = %s, terms_sha256 = %s", text, digest)
    with refused("hash of terms 1 is not that of their text"):
        sql("UPDATE rewards_termsversion SET terms_json = %s", text)
    for change in ("epoch_days = 9", "first_start_ms = 5"):
        with refused("what they say can't be changed"):
            sql(f"UPDATE rewards_termsversion SET {change}")
    with refused("it|they can't become draft"):
        sql("UPDATE rewards_termsversion SET state = 'draft'")
    with refused("kept for ever"):
        sql("DELETE FROM rewards_termsversion")


def test_sql_can_not_make_the_author_the_reviewer_or_change_the_author(version, people):
    accepted = "UPDATE rewards_termsversion SET state = 'scheduled', reviewer_id = %s, reviewed_at = now(), "
    accepted += f"from_epoch = 4, from_ms = {WEEKS[3]}"
    with refused("terms_reviewer_is_not_the_author"):
        sql(accepted, version.author_id)
    with refused("reviewed_terms_have_a_reviewer"):
        sql(accepted, None)
    with refused("Whose terms 1 are can't be changed"):
        sql("UPDATE rewards_termsversion SET author_id = %s", people["tom"].pk)
    sql(accepted, people["rui"].pk)
    with refused("Who reviewed terms 1"):
        sql("UPDATE rewards_termsversion SET reviewer_id = %s", people["tom"].pk)
    with refused("from when they hold can't be changed"):
        sql("UPDATE rewards_termsversion SET from_epoch = 5")


def test_sql_can_not_schedule_terms_for_what_has_begun(version, people):
    accepted = "UPDATE rewards_termsversion SET state = 'scheduled', reviewer_id = %s, reviewed_at = now(), "
    accepted += "from_epoch = %s, from_ms = %s"
    with refused("only be scheduled for an epoch that has not begun"):
        sql(accepted, people["rui"].pk, 3, WEEKS[2])
    with refused("only be scheduled for an epoch that has not begun"):
        sql(accepted, people["rui"].pk, 3, WEEKS[3] + 1)
    with refused("Epoch 4 does not begin when terms 1 say"):
        sql(accepted, people["rui"].pk, 4, WEEKS[3] + 1)
    go_on(WEEKS[3])
    with refused("only be scheduled for an epoch that has not begun"):
        sql(accepted, people["rui"].pk, 4, WEEKS[3])


def test_sql_can_not_insert_terms_that_nobody_reviewed(version, people):
    columns = "program_id, number, author_id, terms_json, terms_sha256, epoch_days, created_at, withdrawn_why"
    with refused("have to begin as a draft"):
        sql(
            f"INSERT INTO rewards_termsversion ({columns}, state, handed_in_at, reviewer_id, reviewed_at, from_epoch,"
            f" from_ms) SELECT program_id, 9, author_id, terms_json, terms_sha256, 7, now(), '', 'scheduled', now(),"
            f" %s, now(), 4, {WEEKS[3]} FROM rewards_termsversion",
            people["rui"].pk,
        )


def test_sql_can_not_give_an_epoch_other_terms_than_the_accepted_ones(program, version, people):
    accept(version, people["rui"])
    epoch = program.epochs.get(number=4)
    text = epoch.terms_json.replace(str(250_000 * TOKEN), str(900_000 * TOKEN))
    assert text != epoch.terms_json
    with refused("has to have the terms that were accepted"):
        sql("UPDATE rewards_epoch SET terms_json = %s WHERE number = 4", text)
    with refused("has to have the terms that were accepted"):
        make_epoch(program, 5, FIFTH_WEEK, FIFTH_WEEK + 1, boosts=HIGHER)


def test_sql_can_not_change_or_withdraw_terms_whose_epoch_has_begun(program, version, people):
    accept(version, people["rui"])
    go_on(WEEKS[3])
    with refused("Epoch 4 has begun; its terms can't be changed"):
        sql("UPDATE rewards_epoch SET budget = 1 WHERE number = 4")
    withdrawn = "UPDATE rewards_termsversion SET state = 'withdrawn', withdrawn_by_id = %s, withdrawn_at = now(), "
    with refused("Epoch 4 has begun; its terms can't be withdrawn"):
        sql(withdrawn + "withdrawn_why = 'x'", people["tess"].pk)


def test_sql_can_not_withdraw_without_a_reason_or_rewrite_a_comment(version, people):
    terms_comment(by=people["rui"], version=version, text="Looks right.")
    withdrawn = "UPDATE rewards_termsversion SET state = 'withdrawn', withdrawn_by_id = %s, withdrawn_at = now()"
    with refused("withdrawn_terms_say_why"):
        sql(withdrawn, people["tess"].pk)
    for statement in ("UPDATE rewards_termscomment SET text = 'Wrong.'", "DELETE FROM rewards_termscomment"):
        with refused("comment on terms can't be changed or deleted"):
            sql(statement)
