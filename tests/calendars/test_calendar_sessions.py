"""Sessions are the ones of the spec's table: by hand, by a second source, and by a second implementation."""

from __future__ import annotations

import datetime as dt
import random
import shutil
import warnings
from bisect import bisect_right
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.calendars import build_sessions, calendar_names, days_later_ms, errors
from rewards.calendars.sessions import DATA_DIR

NEW_YORK = ZoneInfo("America/New_York")
LONDON = ZoneInfo("Europe/London")
TOKYO = ZoneInfo("Asia/Tokyo")
DAY_MS = 86_400_000
KINDS = {"regular", "pre", "post", "overnight", "weekend", "holiday"}


def ms(text: str, zone: ZoneInfo = NEW_YORK) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1000


def kind_at(calendar: str, time_ms: int) -> str:
    [(_, _, kind)] = build_sessions(calendar, time_ms, time_ms + 1)
    return kind


# Written by hand from docs/spec/scoring.md, Sessions, and the exchange's published holidays. New York times.
AWKWARD_MOMENTS = [
    # an ordinary week, on every edge
    ("2026-09-14T03:59:59", "overnight"),
    ("2026-09-14T04:00", "pre"),
    ("2026-09-14T09:29:59", "pre"),
    ("2026-09-14T09:30", "regular"),
    ("2026-09-14T15:59:59", "regular"),
    ("2026-09-14T16:00", "post"),
    ("2026-09-14T19:59:59", "post"),
    ("2026-09-14T20:00", "overnight"),
    ("2026-09-15T00:00", "overnight"),
    ("2026-09-18T19:59:59", "post"),
    ("2026-09-18T20:00", "weekend"),
    ("2026-09-19T12:00", "weekend"),
    ("2026-09-20T19:59:59", "weekend"),
    ("2026-09-20T20:00", "overnight"),
    # Labor Day, a Monday: Sunday evening is no overnight, Monday evening is
    ("2026-09-06T19:59:59", "weekend"),
    ("2026-09-06T20:00", "holiday"),
    ("2026-09-07T10:00", "holiday"),
    ("2026-09-07T19:59:59", "holiday"),
    ("2026-09-07T20:00", "overnight"),
    # Thanksgiving: Thursday closed, Friday early, and the weekend begins at 17:00
    ("2026-11-25T19:59:59", "post"),
    ("2026-11-25T20:00", "holiday"),
    ("2026-11-26T12:00", "holiday"),
    ("2026-11-26T20:00", "overnight"),
    ("2026-11-27T12:59:59", "regular"),
    ("2026-11-27T13:00", "post"),
    ("2026-11-27T16:59:59", "post"),
    ("2026-11-27T17:00", "weekend"),
    # Christmas 2026: Thursday early, Friday closed, so no weekend follows the early close
    ("2026-12-24T13:00", "post"),
    ("2026-12-24T17:00", "holiday"),
    ("2026-12-24T20:00", "holiday"),
    ("2026-12-25T19:59:59", "holiday"),
    ("2026-12-25T20:00", "weekend"),
    # Good Friday: closed, nothing early before it
    ("2026-04-02T19:59:59", "post"),
    ("2026-04-02T20:00", "holiday"),
    ("2026-04-03T10:00", "holiday"),
    ("2026-04-03T20:00", "weekend"),
    ("2026-04-05T20:00", "overnight"),
    # an early close in the middle of a week, then a closed day, then a trading one (2024: Wed, Thu, Fri)
    ("2024-07-03T16:59:59", "post"),
    ("2024-07-03T17:00", "holiday"),
    ("2024-07-03T20:00", "holiday"),
    ("2024-07-04T19:59:59", "holiday"),
    ("2024-07-04T20:00", "overnight"),
    # 4 July 2026 is a Saturday: the Friday is closed and Thursday is a full day
    ("2026-07-02T15:00", "regular"),
    ("2026-07-02T20:00", "holiday"),
    ("2026-07-03T20:00", "weekend"),
    # 1 January 2022 was a Saturday: nobody moved it, so the Friday was a full day
    ("2021-12-31T15:59:59", "regular"),
    ("2021-12-31T19:59:59", "post"),
    # closures nobody had planned
    ("2025-01-08T20:00", "holiday"),
    ("2025-01-09T12:00", "holiday"),
    ("2025-01-09T20:00", "overnight"),
    ("2018-12-04T19:59:59", "post"),
    ("2018-12-05T10:00", "holiday"),
    ("2018-12-05T20:00", "overnight"),
    ("2012-10-28T20:00", "holiday"),
    ("2012-10-29T12:00", "holiday"),
    ("2012-10-29T20:00", "holiday"),
    ("2012-10-30T19:59:59", "holiday"),
    ("2012-10-30T20:00", "overnight"),
    # September 2001: Tuesday to Friday closed, without an early close before
    ("2001-09-10T19:59:59", "post"),
    ("2001-09-10T20:00", "holiday"),
    ("2001-09-13T12:00", "holiday"),
    ("2001-09-14T20:00", "weekend"),
    ("2001-09-16T20:00", "overnight"),
    # Juneteenth began in 2022: in 2019 the 19th of June was a trading day
    ("2019-06-19T12:00", "regular"),
    ("2024-06-19T12:00", "holiday"),
    # the clocks change on Sundays: the weekend ends at 20:00 by the wall clock all the same
    ("2026-03-08T19:59:59", "weekend"),
    ("2026-03-08T20:00", "overnight"),
    ("2026-11-01T19:59:59", "weekend"),
    ("2026-11-01T20:00", "overnight"),
]


@pytest.mark.parametrize(("moment", "kind"), AWKWARD_MOMENTS)
def test_an_awkward_moment_has_the_kind_that_the_table_says(moment: str, kind: str) -> None:
    assert kind_at("XNYS", ms(moment)) == kind


def test_the_awkward_moments_are_at_least_forty() -> None:
    assert len({moment for moment, _ in AWKWARD_MOMENTS}) >= 40


@pytest.mark.parametrize(
    ("utc", "kind"),
    [
        # New York is 5 hours behind in winter and 4 in summer, from 2026-03-08 to 2026-11-01
        ("2026-03-06T14:29:59", "pre"),
        ("2026-03-06T14:30", "regular"),
        ("2026-03-07T01:00", "weekend"),
        ("2026-03-08T23:59:59", "weekend"),
        ("2026-03-09T00:00", "overnight"),
        ("2026-03-09T13:30", "regular"),
        ("2026-11-02T00:59:59", "weekend"),
        ("2026-11-02T01:00", "overnight"),
        ("2026-11-02T14:29:59", "pre"),
    ],
)
def test_daylight_saving_moves_the_sessions_in_utc(utc: str, kind: str) -> None:
    assert kind_at("XNYS", ms(utc, ZoneInfo("UTC"))) == kind


def test_a_weekend_is_an_hour_shorter_in_spring_and_an_hour_longer_in_autumn() -> None:
    def hours_of_weekend(around: str) -> float:
        sessions = build_sessions("XNYS", ms(around) - 4 * DAY_MS, ms(around) + 4 * DAY_MS)
        [weekend] = [end - start for start, end, kind in sessions if kind == "weekend"]
        return weekend / 3_600_000

    assert hours_of_weekend("2026-02-28T12:00") == 48
    assert hours_of_weekend("2026-03-07T12:00") == 47
    assert hours_of_weekend("2026-10-31T12:00") == 49


@pytest.mark.parametrize(
    ("calendar", "zone", "moment", "kind"),
    [
        ("XTKS", TOKYO, "2026-11-19T07:59:59", "overnight"),
        ("XTKS", TOKYO, "2026-11-19T09:00", "regular"),
        ("XTKS", TOKYO, "2026-11-19T11:30", "pre"),
        ("XTKS", TOKYO, "2026-11-19T12:30", "regular"),
        ("XTKS", TOKYO, "2026-11-19T15:29:59", "regular"),
        ("XTKS", TOKYO, "2024-11-01T15:00", "post"),  # the close moved to 15:30 on 2024-11-05
        ("XTKS", TOKYO, "2024-11-05T15:00", "regular"),
        # the enthronement of 2019: closed from Monday 29 April to Monday 6 May, a full week
        ("XTKS", TOKYO, "2019-04-26T17:30", "weekend"),
        ("XTKS", TOKYO, "2019-04-28T17:30", "holiday"),
        ("XTKS", TOKYO, "2019-05-01T12:00", "holiday"),
        ("XTKS", TOKYO, "2019-05-03T17:29:59", "holiday"),
        ("XTKS", TOKYO, "2019-05-03T17:30", "weekend"),
        ("XTKS", TOKYO, "2019-05-05T17:30", "holiday"),
        ("XTKS", TOKYO, "2019-05-06T17:30", "overnight"),
        ("XLON", LONDON, "2026-11-19T16:29:59", "regular"),
        ("XLON", LONDON, "2026-11-19T16:30", "post"),
        ("XLON", LONDON, "2026-11-19T16:40", "overnight"),
        ("XLON", LONDON, "2026-12-24T12:29:59", "regular"),
        ("XLON", LONDON, "2026-12-24T12:30", "post"),
        ("XLON", LONDON, "2026-12-24T12:40", "holiday"),
        ("XLON", LONDON, "2022-09-19T12:00", "holiday"),  # the Queen's funeral
    ],
)
def test_another_exchange_is_a_data_file_away(calendar: str, zone: ZoneInfo, moment: str, kind: str) -> None:
    assert kind_at(calendar, ms(moment, zone)) == kind


@lru_cache
def second_source(calendar: str) -> Any:
    """Return exchange_calendars' calendar, up to the end of its horizon (about a year from now)."""
    # The library uses a name that pandas will drop; what it warns of is its own business.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return exchange_calendars.get_calendar(calendar, start="2012-01-01")


def to_ms(moments: pd.Series) -> list[int]:
    return [round(moment.timestamp()) * 1000 for moment in moments]


@pytest.mark.parametrize(("calendar", "least"), [("XNYS", 2200), ("XLON", 2200), ("XTKS", 2200)])
def test_opens_and_closes_are_the_ones_of_a_second_source_on_every_day_since_2018(calendar: str, least: int) -> None:
    days = second_source(calendar).schedule.loc["2018-01-01":]
    assert len(days) > least
    opens, closes = to_ms(days["open"]), to_ms(days["close"])
    expected = list(zip(opens, closes, strict=True))
    if days["break_start"].notna().any():
        mornings = zip(opens, to_ms(days["break_start"]), strict=True)
        afternoons = zip(to_ms(days["break_end"]), closes, strict=True)
        expected = sorted([*mornings, *afternoons])
    sessions = build_sessions(calendar, ms("2018-01-01", ZoneInfo("UTC")), closes[-1])
    assert [(start, end) for start, end, kind in sessions if kind == "regular"] == expected


def test_early_closes_are_the_ones_of_a_second_source_and_end_post_at_17() -> None:
    calendar = second_source("XNYS")
    early = {day.date() for day in calendar.early_closes if day.year >= 2018}
    assert len(early) >= 15
    # The horizon moves with the date, and its last day can be an early close: every post ends four hours after.
    last_post_ends = round(calendar.schedule.iloc[-1]["close"].timestamp() + 4 * 3600) * 1000
    sessions = build_sessions("XNYS", ms("2018-01-01"), last_post_ends)
    ends = [dt.datetime.fromtimestamp(end / 1000, NEW_YORK) for _, end, kind in sessions if kind == "post"]
    assert {end.date() for end in ends if end.time() == dt.time(17)} == early
    assert {end.time() for end in ends} == {dt.time(17), dt.time(20)}


def spec_kind(local: dt.datetime) -> str:
    """Say a New York moment's kind from the spec's table, day by day: shares nothing with the builder."""
    schedule = second_source("XNYS").schedule

    def hours(date: dt.date) -> tuple[dt.time, dt.time] | None:
        if pd.Timestamp(date) not in schedule.index:
            return None
        row = schedule.loc[pd.Timestamp(date)]
        return tuple(row[key].tz_convert(NEW_YORK).time() for key in ("open", "close"))  # type: ignore[return-value]

    def post_end(close: dt.time) -> dt.time:
        return dt.time(20) if close == dt.time(16) else dt.time(17)

    date, time = local.date(), local.time()
    today, tomorrow = hours(date), hours(date + dt.timedelta(days=1))
    weekday = date.weekday()
    if weekday == 5 or (weekday == 6 and time < dt.time(20)):
        return "weekend"
    if weekday == 4 and time >= (post_end(today[1]) if today else dt.time(20)):
        return "weekend"
    if time >= dt.time(20):
        return "overnight" if tomorrow else "holiday"
    if today is None:
        return "holiday"
    if time < dt.time(4):
        return "overnight"
    if time < today[0]:
        return "pre"
    if time < today[1]:
        return "regular"
    return "post" if time < post_end(today[1]) else "holiday"


def test_random_moments_since_2018_are_what_a_second_implementation_says() -> None:
    source = random.Random(20260918)
    first, last = ms("2018-01-02"), round(second_source("XNYS").schedule.iloc[-2]["close"].timestamp()) * 1000
    sessions = build_sessions("XNYS", first, last)
    starts = [start for start, _, _ in sessions]
    holiday_starts = [start for start, _, kind in sessions if kind == "holiday"]
    moments = [source.randrange(first, last) for _ in range(3000)]
    moments += [start + offset for start in holiday_starts[1:] for offset in (-1, 0, 36_000_000, DAY_MS)]
    moments += [start + offset for start in source.sample(starts[1:-1], 1000) for offset in (-1, 0)]
    for moment in moments:
        found = sessions[bisect_right(starts, moment) - 1][2]
        assert found == spec_kind(dt.datetime.fromtimestamp(moment / 1000, NEW_YORK)), moment


ranges = st.tuples(st.sampled_from(["XNYS", "XLON", "XTKS"]), st.integers(0, 10 * 365), st.integers(0, DAY_MS - 1))


@settings(max_examples=150, deadline=None)
@given(where=ranges, length_ms=st.integers(1, 40 * DAY_MS))
def test_sessions_cover_any_range_exactly_and_neighbours_differ(where: tuple[str, int, int], length_ms: int) -> None:
    calendar, day, offset = where
    start = ms("2017-06-01") + day * DAY_MS + offset
    sessions = build_sessions(calendar, start, start + length_ms)
    assert sessions[0][0] == start
    assert sessions[-1][1] == start + length_ms
    assert all(begin < end and kind in KINDS for begin, end, kind in sessions)
    for (_, end, kind), (next_start, _, next_kind) in pairwise(sessions):
        assert end == next_start
        assert kind != next_kind


@settings(max_examples=100, deadline=None)
@given(where=ranges, lengths=st.tuples(st.integers(1, 12 * DAY_MS), st.integers(1, 12 * DAY_MS)))
def test_where_a_range_is_cut_changes_no_session(where: tuple[str, int, int], lengths: tuple[int, int]) -> None:
    calendar, day, offset = where
    start = ms("2017-06-01") + day * DAY_MS + offset
    middle, end = start + lengths[0], start + sum(lengths)
    left, right = build_sessions(calendar, start, middle), build_sessions(calendar, middle, end)
    if left[-1][2] == right[0][2]:
        left, right = [*left[:-1], (left[-1][0], right[0][1], right[0][2])], right[1:]
    assert left + right == build_sessions(calendar, start, end)


@pytest.fixture
def own_data(tmp_path: Path) -> Path:
    """A folder with the shipped calendars, to be changed."""
    folder = tmp_path / "data"
    shutil.copytree(DATA_DIR, folder)
    return folder


def test_a_full_holiday_week_is_one_holiday_between_two_weekends(own_data: Path) -> None:
    rows = [f'[[exceptions]]\ndate = 2026-09-{day}\nclosed = true\nwhy = "a full week"\n' for day in range(14, 19)]
    with (own_data / "XNYS.toml").open("a") as file:
        file.write("\n".join(rows))
    sessions = build_sessions("XNYS", ms("2026-09-11T20:00"), ms("2026-09-21T04:00"), data_dir=own_data)
    assert sessions == [
        (ms("2026-09-11T20:00"), ms("2026-09-13T20:00"), "weekend"),
        (ms("2026-09-13T20:00"), ms("2026-09-18T20:00"), "holiday"),
        (ms("2026-09-18T20:00"), ms("2026-09-20T20:00"), "weekend"),
        (ms("2026-09-20T20:00"), ms("2026-09-21T04:00"), "overnight"),
    ]


def test_an_unscheduled_early_close_is_a_row_of_data(own_data: Path) -> None:
    with (own_data / "XNYS.toml").open("a") as file:
        file.write('[[exceptions]]\ndate = 2026-09-15\nwhy = "a flood"\n')
        file.write("open = 09:30:00\nclose = 11:00:00\nearly = true\n")
    sessions = build_sessions("XNYS", ms("2026-09-15T09:30"), ms("2026-09-16T04:00"), data_dir=own_data)
    assert sessions == [
        (ms("2026-09-15T09:30"), ms("2026-09-15T11:00"), "regular"),
        (ms("2026-09-15T11:00"), ms("2026-09-15T17:00"), "post"),
        (ms("2026-09-15T17:00"), ms("2026-09-15T20:00"), "holiday"),
        (ms("2026-09-15T20:00"), ms("2026-09-16T04:00"), "overnight"),
    ]


LONGER_HOURS = """
[[hours]]
from = 2026-12-07
pre = 01:30:00
post_end = 23:30:00
post_end_early = 17:00:00
overnight_start = 23:30:00
weekend_start = 23:30:00
weekend_end = 23:30:00
"""


def test_longer_hours_are_a_row_of_data_and_change_no_session_before_their_date(own_data: Path) -> None:
    rules = (own_data / "XNYS.toml").read_text()
    before, marker, after = rules.partition("# Closures that no calendar knew")
    (own_data / "XNYS.toml").write_text(before + LONGER_HOURS + marker + after)
    longer = build_sessions("XNYS", ms("2026-12-01"), ms("2026-12-09"), data_dir=own_data)
    until = ms("2026-12-06T20:00")
    assert [part for part in longer if part[1] <= until] == build_sessions("XNYS", ms("2026-12-01"), until)[:-1]
    assert [part for part in longer if part[1] > until and part[0] < ms("2026-12-08T01:30")] == [
        (ms("2026-12-04T20:00"), ms("2026-12-06T23:30"), "weekend"),
        (ms("2026-12-06T23:30"), ms("2026-12-07T01:30"), "overnight"),
        (ms("2026-12-07T01:30"), ms("2026-12-07T09:30"), "pre"),
        (ms("2026-12-07T09:30"), ms("2026-12-07T16:00"), "regular"),
        (ms("2026-12-07T16:00"), ms("2026-12-07T23:30"), "post"),
        (ms("2026-12-07T23:30"), ms("2026-12-08T01:30"), "overnight"),
    ]


def test_an_unknown_calendar_is_an_error_that_names_the_known_ones() -> None:
    assert calendar_names() == ["XLON", "XNYS", "XTKS"]
    for name in ("XPAR", "../XNYS", "xnys", ""):
        with pytest.raises(errors.UnknownCalendarError, match="the known ones are XLON, XNYS, XTKS"):
            build_sessions(name, 0, 1)


def test_a_range_that_ends_before_it_begins_is_an_error() -> None:
    with pytest.raises(errors.TimeRangeError):
        build_sessions("XNYS", 5, 5)


def test_a_time_before_the_first_hours_is_an_error_that_names_the_date() -> None:
    with pytest.raises(errors.BeforeFirstHoursError, match=r"has no hours for 19\d\d.*1985-01-01"):
        build_sessions("XNYS", 0, DAY_MS)


# 25 December 2200 is a Thursday. The equinoxes of 2098 by the formula for 1980-2099 that Japanese almanacs print:
# 20.8431 (23.2488) + 0.242194 x 118 - 29, so Thursday 20 March and Monday 22 September.
@pytest.mark.parametrize(
    ("calendar", "zone", "last_day", "holidays"),
    [
        ("XNYS", NEW_YORK, "2200-12-31", ["2200-12-25", "2200-11-27"]),
        ("XLON", LONDON, "2200-12-31", ["2200-12-25", "2200-12-26"]),
        ("XTKS", TOKYO, "2098-12-31", ["2098-03-20", "2098-09-22"]),
    ],
)
def test_a_calendar_is_right_until_its_last_day_and_says_so_after_it(calendar, zone, last_day, holidays):
    for day in holidays:
        assert kind_at(calendar, ms(f"{day}T12:00", zone)) == "holiday"
    ends = ms(last_day, zone)
    assert build_sessions(calendar, ends - DAY_MS, ends)[-1][1] == ends
    assert days_later_ms(calendar, ends - 7 * DAY_MS, 7) == ends
    far = [ends + 1, ms("9999-12-31T23:59", zone), 10**30]
    for late in far:
        with pytest.raises(errors.AfterLastDayError, match=f"{calendar} knows the exchange's days until {last_day}"):
            build_sessions(calendar, ends - DAY_MS, late)
        with pytest.raises(errors.AfterLastDayError, match="is too late"):
            days_later_ms(calendar, late - DAY_MS, 1)
    with pytest.raises(errors.AfterLastDayError):
        days_later_ms(calendar, ends - DAY_MS, 10**30)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("source =", "sauce =", "sauce: there is no such key"),
        ('"America/New_York"', '"America/Newer_York"', "timezone: there is no such time zone"),
        ('"friday"', '"freitag"', "last_weekday: it has to be one of monday"),
        ("pre = 04:00:00", "", r"hours\[0\].pre: it has to be a time of day"),
        ("pre = 04:00:00", "pre = 21:00:00", r"hours\[0\].pre: pre, post_end_early, post_end and overnight"),
        ("from = 1985-01-01", "from = 1985", r"hours\[0\].from: it has to be a date"),
        ("closed = true", "", r"exceptions\[0\].closed: write either"),
        ("closed = true", "closed = 1", "have to be true or false"),
        ("closed = true", "open = 16:00:00\nclose = 09:00:00", "open: it has to come before close"),
        ("date = 2012-10-30", "date = 2012-10-29", "exceptions: a date is there twice"),
        ("last_day = 2200-12-31", "", "last_day: it has to be a date"),
        ("last_day = 2200-12-31", "last_day = 1984-12-31", "last_day: it has to lie after the first hours"),
        ("last_day = 2200-12-31", "last_day = 2262-05-01", "last_day: .* before 2262-04-01"),
        ("[[hours]]", "[[ours]]", "ours: there is no such key"),
        ("source =", "source =\n", "the file: it cannot be read"),
    ],
)
def test_a_data_file_that_is_wrong_is_a_sentence_with_file_and_key(
    own_data: Path, old: str, new: str, says: str
) -> None:
    path = own_data / "XNYS.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(errors.RulesError, match=rf"^XNYS.toml, .*{says}"):
        build_sessions("XNYS", ms("2026-09-14"), ms("2026-09-15"), data_dir=own_data)


def test_a_day_whose_times_overlap_its_neighbours_is_refused(own_data: Path) -> None:
    with (own_data / "XNYS.toml").open("a") as file:
        file.write('[[exceptions]]\ndate = 2026-09-15\nopen = 03:00:00\nclose = 16:00:00\nwhy = "a slip"\n')
    with pytest.raises(errors.RulesError, match="the pre from 2026-09-15 04:00 on overlaps"):
        build_sessions("XNYS", ms("2026-09-14"), ms("2026-09-16"), data_dir=own_data)


def test_every_error_of_calendars_is_of_one_tree_and_says_that_trying_again_is_no_use() -> None:
    own: list[Any] = [each for each in vars(errors).values() if isinstance(each, type)]
    found = [each for each in own if issubclass(each, Exception)]
    assert len(found) == 6
    assert all(issubclass(each, errors.CalendarError) and each.retryable is False for each in found)
