"""Looks at makers' shares at given instants and lets each stand for a stretch of time, compiled."""

from __future__ import annotations

from rewards.analysis.kernel.compiling import inner
from rewards.analysis.kernel.parts import SAMPLE, Samples, Watch
from rewards.engine.kernel import credit
from rewards.engine.kernel.parts import HALTED, NOW, QUALITY_SUM, REFERENCE, SESSION, STRESS_UNTIL, Run


@inner
def take(it: Run, watch: Watch) -> None:
    """Take the samples whose instant lies in the interval that has just been settled."""
    at, samples = it.at, watch.samples
    number = watch.at[SAMPLE]
    if number == len(samples.times_ms) or samples.times_ms[number] >= at[NOW]:
        return
    lit = at[REFERENCE] > 0 and not at[HALTED] and at[QUALITY_SUM] > 0
    if lit:
        _share(it, samples)
    while number < len(samples.times_ms) and samples.times_ms[number] < at[NOW]:
        if lit:
            _add(it, samples, number)
        number += 1
    watch.at[SAMPLE] = number


@inner
def _share(it: Run, samples: Samples) -> None:
    """Let the engine credit every maker for one millisecond: that is its share."""
    log, divisor = samples.log, max(it.at[QUALITY_SUM], it.rules.target)
    samples.makers.pending[:] = 0
    log.divisor[0], log.dt[0] = divisor, 1
    credit.reciprocal(log, 0, divisor)
    for maker in range(len(it.makers.quality)):
        samples.makers.quality[maker] = it.makers.quality[maker]
    credit.settle_entry(samples.makers, log, 0)


@inner
def _add(it: Run, samples: Samples, number: int) -> None:
    draw, length_ms, instant_ms = samples.draws[number], samples.lengths_ms[number], samples.times_ms[number]
    shares, credited = samples.makers.pending, samples.credit[draw, _kind_at(it, instant_ms)]
    for maker in range(len(shares)):
        credited[maker] += shares[maker] * length_ms
    if instant_ms < it.at[STRESS_UNTIL]:
        of_stress = samples.stress_credit[draw]
        for maker in range(len(shares)):
            of_stress[maker] += shares[maker] * length_ms


@inner
def _kind_at(it: Run, instant_ms: int) -> int:
    """Return the kind of the session of the interval that has just been settled: SESSION may be the next one."""
    session = it.at[SESSION]
    if session > 0 and instant_ms < it.rules.session_ends_ms[session - 1]:
        session -= 1
    kind: int = it.rules.session_kinds[session]
    return kind
