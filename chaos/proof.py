"""Small questions about what was seen, shared by the faults' rules."""

from __future__ import annotations

import statistics
from collections import Counter

from chaos.evidence import Ending, LinkSeen, Outcome, Silence, Window

MIN_SAMPLES = 3
# A probe is sent every few hundred milliseconds, so a silence is noticed that much after it began, and an end
# that much late.
SLACK_NS = 1_000_000_000
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


def silence_through(window: Window) -> Silence | None:
    """A silence that fills the window but for the time that noticing takes, or None."""
    for silence in window.silences:
        begun = silence.from_ns <= window.from_ns + SLACK_NS
        lasted = silence.until_ns is None or silence.until_ns >= window.until_ns - SLACK_NS // 2
        if begun and lasted:
            return silence
    return None


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
