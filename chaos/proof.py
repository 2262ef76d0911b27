"""Small questions about what was seen, shared by the faults' rules."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import replace

from chaos.directions import Direction
from chaos.evidence import Ending, LinkSeen, Outcome, Silence, Trace, Window
from chaos.through import Sign

MIN_SAMPLES = 3
# A probe is sent every few hundred milliseconds, so a silence is noticed that much after it began, and an end
# that much late.
SLACK_NS = 1_000_000_000
# Bytes that a fault held are later than a busy machine makes them.
HELD_MS = 400.0
_WORDS = {
    Ending.fin: "FIN",
    Ending.torn: "FIN inside a frame",
    Ending.rst: "RST",
    Ending.protocol: "a protocol error",
    Ending.given_up: "silence while new ones were answered",
}


def median_shift_ms(seen: LinkSeen) -> float | None:
    """By how much the median round trip is longer than before, or None where too few were seen to say."""
    if len(seen.before.rtt_ms) < MIN_SAMPLES or len(seen.during.rtt_ms) < MIN_SAMPLES:
        return None
    return statistics.median(seen.during.rtt_ms) - statistics.median(seen.before.rtt_ms)


def mean_shift_ms(seen: LinkSeen) -> float | None:
    """By how much the mean round trip is longer than before, or None where too few were seen to say."""
    if len(seen.before.rtt_ms) < MIN_SAMPLES or len(seen.during.rtt_ms) < MIN_SAMPLES:
        return None
    return statistics.fmean(seen.during.rtt_ms) - statistics.fmean(seen.before.rtt_ms)


def before_others(seen: LinkSeen, *traces: Trace) -> Window:
    """The fault's time until another one begins that leaves such traces; all of it where that would leave
    nothing to look at.
    """
    first_ns = min((other.from_ns for other in seen.beside(*traces)), default=seen.during.until_ns)
    if first_ns - seen.during.from_ns < 2 * SLACK_NS or first_ns >= seen.during.until_ns:
        return seen.during
    return replace(seen.during, until_ns=first_ns)


def nothing_stood(seen: LinkSeen) -> str:
    """Why the end of a standing connection could not be seen; "" where it could."""
    return "; the prober had no standing connection when it began" if seen.stood is False else ""


def silence_through(window: Window) -> Silence | None:
    """A silence that fills the window but for the time that noticing takes, or None."""
    for silence in window.silences:
        begun = silence.from_ns <= window.from_ns + SLACK_NS
        lasted = silence.until_ns is None or silence.until_ns >= window.until_ns - SLACK_NS // 2
        if begun and lasted:
            return silence
    return None


def wrong_way(seen: LinkSeen, silence: Silence, direction: Direction) -> str:
    """Which way a silence was, in words, when that is not the way asked; "" where it is, or where no stamp
    tells. What was held on the way to the far end came late there; what was held on the way back did not,
    and beats of the far end pass where only the way to it is silent.
    """
    if silence.up_ms is None or silence.down_ms is None:
        held_up = held_down = None
    else:
        usual_up, usual_down = _usual(seen.before)
        up_ms, down_ms = silence.up_ms - usual_up, silence.down_ms - usual_down
        held_up, held_down = up_ms > max(HELD_MS, down_ms / 2), down_ms > max(HELD_MS, up_ms / 2)
    inner_from, inner_until = seen.during.from_ns + SLACK_NS, seen.during.until_ns - SLACK_NS
    beats = sum(inner_from < at_ns < inner_until for at_ns in seen.during.beats_ns)
    if direction is Direction.to_worker:
        if beats:
            return "messages of the far end came all the while"
        return "it was the way to the coordinator" if held_up and not held_down else ""
    if held_down and not held_up:
        return "it was the way to the worker"
    if direction is Direction.both:
        return "messages of the far end came all the while" if beats else ""
    due = seen.before.beats_ns and inner_until - inner_from > 4 * SLACK_NS
    return "it was the way to the worker as well" if due and not beats else ""


def _usual(before: Window) -> tuple[float, float]:
    ups = [trip.up_ms for trip in before.trips if trip.up_ms is not None]
    downs = [trip.down_ms for trip in before.trips if trip.down_ms is not None]
    return (statistics.median(ups) if ups else 0.0), (statistics.median(downs) if downs else 0.0)


def silence_signs(window: Window) -> list[Sign]:
    """Silence and whole round trips, as signs of a fault that lets nothing through."""
    signs = [
        Sign(silence.from_ns, window.until_ns if silence.until_ns is None else silence.until_ns, there=True)
        for silence in window.silences
    ]
    return signs + [Sign(trip.sent_ns, trip.at_ns, there=False) for trip in window.trips]


def connect_signs(window: Window, *wanted: Outcome) -> list[Sign]:
    """New connections, as signs of a fault that lets them end in one of these ways."""
    return [
        Sign(one.began_ns, one.at_ns, there=one.outcome in wanted)
        for one in window.tries
        if one.outcome in wanted or one.outcome is Outcome.answered
    ]


def not_silent(window: Window) -> str:
    """What a link was instead of silent, in words with seconds since the fault began."""
    spans = [
        f"{max(0, one.from_ns - window.from_ns) / 1e9:.1f} to "
        f"{((window.until_ns if one.until_ns is None else one.until_ns) - window.from_ns) / 1e9:.1f} s"
        for one in window.silences[:3]
    ]
    only = f", only from {', '.join(spans)} of {window.length_ns / 1e9:.1f} s" if spans else ""
    return f"the link was not silent all the while{only}" if spans else "the link was not silent"


def broken(window: Window) -> str:
    """How the standing connection ended in that window, in words; "" when it stood."""
    if not window.ends:
        return ""
    counts = Counter(how for _, how in window.ends)
    return ", ".join(f"{_WORDS[how]}{f' × {count}' if count > 1 else ''}" for how, count in counts.items())


def disturbance(window: Window) -> str:
    """What was not as usual on a link in that window, in words; "" when nothing was. For links that a fault
    spared.
    """
    if window.ends:
        return f"its connection ended ({broken(window)})"
    if window.silences:
        return "it fell silent"
    if window.damaged_bytes:
        return f"{window.damaged_bytes} bytes came back damaged"
    if window.missing_messages or window.repeated_messages:
        return f"{window.missing_messages} messages were missing and {window.repeated_messages} came twice"
    failed = window.tried - window.count(Outcome.answered)
    return f"{failed} new connections were not answered" if failed else ""


def attempts(window: Window) -> str:
    """`3 refused, 1 answered`: new connections by outcome, in words."""
    counts = [f"{count} {outcome}" for outcome, count in sorted(window.connects.items()) if count]
    return ", ".join(counts) or "no new connection was tried"
