"""How busy frontends are, from counters that only grow and that vanish with their frontend.

A frontend's id is new at each start, so its counters never begin anew; who is seen for the first
time counted from zero since its start.
"""

from collections.abc import Iterable, Mapping

from tracker.model import Activity, Facts


def activity(facts: Facts, before: Activity | None) -> Activity:
    """What a frontend does, by what it tells now and what was known of it before, if anything."""
    seconds = facts.beat - (facts.since if before is None else before.beat)
    if before is not None and seconds <= 0:  # nothing new; or its clock was set back
        return Activity(facts.beat, facts.requests, before.rates)
    counted = {} if before is None else before.requests
    seconds = max(seconds, 1.0) if before is None else seconds  # starts are told in whole seconds
    rates = {
        protocol: max(0, count - counted.get(protocol, 0)) / seconds
        for protocol, count in facts.requests.items()
    }
    return Activity(facts.beat, facts.requests, rates)


def total(activities: Iterable[Activity]) -> dict[str, float]:
    """Return the announces per second of all together, by protocol."""
    return add_up(each.rates for each in activities)


def add_up(rates: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the sums of rates by protocol."""
    sums: dict[str, float] = {}
    for each in rates:
        for protocol, rate in each.items():
            sums[protocol] = sums.get(protocol, 0.0) + rate
    return sums
