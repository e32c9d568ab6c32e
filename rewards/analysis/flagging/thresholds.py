"""Where each flag begins, and why there. A flag asks for a person's look, so these err on the side of asking."""

from __future__ import annotations

# --- own_fills: fills with the same maker on both sides. They earn nothing by the rules; much of it feigns activity.
OWN_FILLS_SERIOUS_PART = 0.10
"""Desks of one firm meet by accident now and then; a tenth of a maker's whole volume is no accident."""
OWN_FILLS_SERIOUS_FILLS = 20
"""A handful of fills is a handful of accidents, whatever part it is of a quiet maker's volume."""

# --- trade_together: two makers that trade mostly with each other, in one market.
TOGETHER_LEAST_FILLS = 30
"""Below this many fills a part says nothing: three of five is chance."""
TOGETHER_NOTE_PART, TOGETHER_SERIOUS_PART = 0.25, 0.50
"""Of each one's fills with the other: a quarter is worth knowing, half is `mostly`."""
TOGETHER_TIMES = 3.0
"""And so many times what independent choice gives: where only two makers are, meeting each other is no wonder."""
TOGETHER_SIGMAS = 6.0
"""And so many standard deviations beyond it: 100 makers make 4,950 pairs in each market, and six sigmas are seen by
chance once in a billion."""

# --- mirrored_quotes: placements and cancels within a few ms at the same price, or mirrored about the book's middle.
MIRROR_WINDOW_MS = 5
"""Two programs on one signal act within a few ms; on a chain both land in one block, which has one time."""
MIRROR_TICKS = 1
"""How far apart prices may be and still count as the same: rounding of one price to two sides."""
MIRROR_LEAST = 100
"""Twins below this many are too few to compare with chance."""
MIRROR_NOTE_PART, MIRROR_SERIOUS_PART = 0.30, 0.50
"""Of each one's events: two makers that follow one public feed meet often, but seldom in a third of all they do."""
MIRROR_TIMES = 5.0
"""And so many times the most that any shift of one of them gives: shifted, both still quote the same market with the
same habits, at nearly the same prices."""
MIRROR_SHIFTS = tuple(sign * step for step in range(20, 220, 20) for sign in (1, -1))
"""Shifts of the null, in moments (distinct times) of the market: far enough to break any reaction of one to the other,
near enough for prices and activity to be the same. In moments and not in ms, because a chain's times come in steps."""

# --- accounts and links
SHARED_SERIOUS_PPM = 500_000
"""An account that gets at least half of two makers' pay holds both; below that it may be a lender to many."""

# --- money
LARGEST_NOTE_PPM, LARGEST_SERIOUS_PPM = 400_000, 600_000
"""Of all that is paid to one account: 40% is much, and above 60% the programme pays one firm."""
CONCENTRATION_LEAST_ACCOUNTS = 4
"""With three accounts the largest has a third at least; that is no news."""
NEW_NOTE_PPM, NEW_SERIOUS_PPM = 100_000, 250_000
"""Of all that is paid, to an account that was never paid before."""
HISTORY_LEAST, HISTORY_MOST = 3, 8
"""Epochs that a maker's past needs to be one, and how many are looked at."""
JUMP_TIMES, JUMP_FLOOR_PPM = 3, 50_000
"""A maker's share of the budget against the median of its own past; small makers may do as they like."""
JUMP_SERIOUS_TIMES = 6
RATE_TIMES, RATE_LEAST_MAKERS = 5, 4
"""Pay per hour of presence against the median of all makers: deeper books earn more, but seldom five times as much."""
DROP_FLOOR_PPM, DROP_TIMES = 50_000, 5
"""A maker that had 5% of the budget, and now has less than a fifth of what it had."""
