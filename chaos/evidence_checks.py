"""Checks of observations that the rules of several faults share. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import replace

from chaos.coverage import EffectSample
from chaos.directions import Direction
from chaos.evidence import CloseKind, ConnectOutcome, LinkEvidence, LinkWindow, Silence, Symptom

MIN_SAMPLES = 3
# A probe is sent every few hundred milliseconds, so a silence, or its end, is observed that much later.
SLACK_NS = 1_000_000_000
# Bytes that a fault held are later than those that a busy machine delays.
HELD_MS = 400.0
# A shorter silence after which all bytes came in order is a hiccup of the machine, as a run of late round
# trips that is shorter is one.
HICCUP_NS = 2_000_000_000
_WORDS = {
    CloseKind.fin: "FIN",
    CloseKind.torn: "FIN inside a frame",
    CloseKind.rst: "RST",
    CloseKind.protocol: "a protocol error",
    CloseKind.given_up: "silence while new ones were answered",
}


def median_shift_ms(seen: LinkEvidence) -> float | None:
    """Return by how much the median round trip is longer than before, or None for too few samples."""
    if len(seen.before.rtt_ms) < MIN_SAMPLES or len(seen.during.rtt_ms) < MIN_SAMPLES:
        return None
    return statistics.median(seen.during.rtt_ms) - statistics.median(seen.before.rtt_ms)


def mean_shift_ms(seen: LinkEvidence) -> float | None:
    """Return by how much the mean round trip is longer than before, or None for too few samples."""
    if len(seen.before.rtt_ms) < MIN_SAMPLES or len(seen.during.rtt_ms) < MIN_SAMPLES:
        return None
    return statistics.fmean(seen.during.rtt_ms) - statistics.fmean(seen.before.rtt_ms)


def before_other_faults(seen: LinkEvidence, *traces: Symptom) -> LinkWindow:
    """Return the fault's window until another fault with such symptoms begins; the whole window where the
    rest is too short.
    """
    first_ns = min((other.from_ns for other in seen.beside(*traces)), default=seen.during.until_ns)
    if first_ns - seen.during.from_ns < 2 * SLACK_NS or first_ns >= seen.during.until_ns:
        return seen.during
    return replace(seen.during, until_ns=first_ns)


def no_connection_note(seen: LinkEvidence) -> str:
    """Return why the end of a standing connection could not be observed; "" where it could."""
    return "; the prober had no standing connection when it began" if seen.stood is False else ""


def far_end_stayed(seen: LinkEvidence) -> str:
    """Return why a close of both ends is not proved: the far end of the connection ended later than the
    fault's window; "" where it did not, or is unknown. While another fault is on, it may be late.
    """
    far = seen.far_end
    if far is None or far.ended_ns <= seen.during.until_ns or seen.beside(*Symptom):
        return ""
    late_s = (far.ended_ns - seen.during.from_ns) / 1e9
    return f"the far end of the connection stayed open: it ended {late_s:.1f} s after the fault began"


def continuous_silence(window: LinkWindow) -> Silence | None:
    """Return a silence that fills the window but for the delay of its detection, or None."""
    for silence in window.silences:
        begun = silence.from_ns <= window.from_ns + SLACK_NS
        lasted = silence.until_ns is None or silence.until_ns >= window.until_ns - SLACK_NS // 2
        if begun and lasted:
            return silence
    return None


def wrong_direction(seen: LinkEvidence, silence: Silence, direction: Direction) -> str:
    """Return the direction of a silence, as text, where it is not the one asked for; "" where it is, or is
    unknown.

    A message that was held on the way to the far end is late there; one that was held on the way back is not.
    Beats of the far end arrive where only the way to it is silent.
    """
    if silence.up_ms is None or silence.down_ms is None:
        held_up = held_down = None
    else:
        usual_up, usual_down = _usual(seen.before)
        up_ms, down_ms = silence.up_ms - usual_up, silence.down_ms - usual_down
        held_up, held_down = up_ms > max(HELD_MS, down_ms / 2), down_ms > max(HELD_MS, up_ms / 2)
    inner_from, inner_until = seen.during.from_ns + SLACK_NS, seen.during.until_ns - SLACK_NS
    beats = sum(inner_from < at_ns < inner_until for at_ns in seen.during.beats_ns)
    if direction is Direction.to_client:
        if beats:
            return "messages of the far end came all the while"
        return f"it was the way {seen.ends.way(Direction.to_server)}" if held_up and not held_down else ""
    if held_down and not held_up:
        return f"it was the way {seen.ends.way(Direction.to_client)}"
    if direction is Direction.both:
        return "messages of the far end came all the while" if beats else ""
    due = seen.before.beats_ns and inner_until - inner_from > 4 * SLACK_NS
    return f"it was the way {seen.ends.way(Direction.to_client)} as well" if due and not beats else ""


def _usual(before: LinkWindow) -> tuple[float, float]:
    ups = [trip.up_ms for trip in before.trips if trip.up_ms is not None]
    downs = [trip.down_ms for trip in before.trips if trip.down_ms is not None]
    return (statistics.median(ups) if ups else 0.0), (statistics.median(downs) if downs else 0.0)


def silence_samples(window: LinkWindow) -> list[EffectSample]:
    """Return silences and round trips as samples of a fault that lets no byte through."""
    signs = [
        EffectSample(
            silence.from_ns, window.until_ns if silence.until_ns is None else silence.until_ns, present=True
        )
        for silence in window.silences
    ]
    return signs + [EffectSample(trip.sent_ns, trip.at_ns, present=False) for trip in window.trips]


def connect_samples(window: LinkWindow, *wanted: ConnectOutcome) -> list[EffectSample]:
    """Return new connections as samples of a fault that makes them end with one of these outcomes."""
    return [
        EffectSample(one.began_ns, one.at_ns, present=one.outcome in wanted)
        for one in window.tries
        if one.outcome in wanted or one.outcome is ConnectOutcome.answered
    ]


def not_silent_text(window: LinkWindow) -> str:
    """Return the silent parts of a window that was not silent throughout, in seconds since the fault's
    begin.
    """
    spans = [
        f"{from_s:.1f} to {until_s:.1f} s"
        for from_s, until_s in (_span_s(window, one) for one in window.silences[:3])
    ]
    only = f", only from {', '.join(spans)} of {window.length_ns / 1e9:.1f} s" if spans else ""
    return f"the link was not silent all the while{only}" if spans else "the link was not silent"


def _span_s(window: LinkWindow, silence: Silence) -> tuple[float, float]:
    """Return from when to when a silence lasted, in seconds since the begin of the window."""
    until_ns = window.until_ns if silence.until_ns is None else silence.until_ns
    return max(0, silence.from_ns - window.from_ns) / 1e9, (until_ns - window.from_ns) / 1e9


def _is_hiccup(silence: Silence) -> bool:
    return silence.healed and silence.until_ns is not None and silence.until_ns - silence.from_ns < HICCUP_NS


def close_kinds_text(window: LinkWindow) -> str:
    """Return how the standing connection ended in the window, as text; "" where it did not end."""
    if not window.ends:
        return ""
    counts = Counter(how for _, how in window.ends)
    return ", ".join(f"{_WORDS[how]}{f' × {count}' if count > 1 else ''}" for how, count in counts.items())


def unexpected_change(window: LinkWindow) -> str:
    """Return what was unusual on a spared link in the window, as text; "" where nothing was.

    A hiccup of the machine is not: where the fault is as short, its own rule decides whether this is it.
    """
    if window.ends:
        return f"its connection ended ({close_kinds_text(window)})"
    if long := [one for one in window.silences if not _is_hiccup(one)]:
        from_s, until_s = _span_s(window, long[0])
        return f"it fell silent, from {from_s:.1f} to {until_s:.1f} s"
    if window.damaged_bytes:
        return f"{window.damaged_bytes} bytes came back damaged"
    if window.missing_messages or window.repeated_messages:
        return f"{window.missing_messages} messages were missing and {window.repeated_messages} came twice"
    failed = window.tried - window.count(ConnectOutcome.answered)
    return f"{failed} new connections were not answered" if failed else ""


def connects_text(window: LinkWindow) -> str:
    """Return new connections by outcome: `3 refused, 1 answered`."""
    counts = [f"{count} {outcome}" for outcome, count in sorted(window.connects.items()) if count]
    return ", ".join(counts) or "no new connection was tried"
