"""A foreign system in the terminal: links in trouble first, many of a pair in one row, and containers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from driver.columns import GAP, layout
from driver.dashboard.system_model import ContainerRow, LinkRow, LiveState, LossRow
from driver.dashboard.system_table import (
    LINK_COLUMNS,
    as_json,
    container_rows,
    link_rows,
    rate_text,
    summary_of,
)
from driver.engines.engine import ResourceReading
from tests.driver.dashboard.systems import counters, look, model_of, replica
from tests.driver.judge.door_journal import DoorPast, side
from tests.driver.judge.histories import ns
from tests.driver.judge.test_link_history import cut

WELL = LinkRow("api[1]->db:5432", LiveState.connected, 3.0, 1, 10.0, 20.0, 2, None, ())
LOST = replace(WELL, name="job[1]->db:5432", state=LiveState.lost, loss=LossRow("reset", 9.0, None, 4))


def many(count: int, one: LinkRow = WELL) -> list[LinkRow]:
    return [replace(one, name=f"api[{number}]->db:5432") for number in range(1, count + 1)]


def test_a_link_that_is_back_has_its_loss_and_how_it_ended() -> None:
    model = model_of(cut(), look(11.0, counters()), look(12.0, counters(up=2000, down=500)))
    (row,) = model.links(ns(12.0))
    assert (row.state, row.to_server_per_s, row.to_client_per_s) == (LiveState.connected, 2000.0, 500.0)
    assert str(row.loss) == "closed 7.0 s ago, back in 3.5 s"
    assert row.attempts == 4
    assert row.since_s == pytest.approx(3.498)


@pytest.mark.parametrize(("attempts", "state"), [((), LiveState.lost), ((6.0, 7.0), LiveState.trying)])
def test_a_link_that_is_not_back_is_lost_until_its_client_dials(
    attempts: tuple[float, ...], state: LiveState
) -> None:
    past = DoorPast()
    past.named()
    past.carried(1.0, 5.0)
    for at_s in attempts:
        past.failed(at_s)
    (row,) = model_of(past, look(9.0, counters(connections=0))).links(ns(9.0))
    assert row.state is state
    assert row.loss is not None
    assert row.loss.back_s is None


def test_a_link_whose_server_alone_is_connected_is_so_for_one_side() -> None:
    past = DoorPast()
    past.named()
    past.seen(5.0, past.opened(1.0), side(1.1, 2.0, 4.0, "rst"), side(1.1, 2.0))
    (row,) = model_of(past, look(9.0, counters())).links(ns(9.0))
    assert row.state is LiveState.one_side


def test_a_link_that_nobody_dialled_has_no_row_unless_a_fault_is_on_it() -> None:
    unused = replace(WELL, state=LiveState.unused)
    assert link_rows([unused], 9)[0] == []
    assert len(link_rows([replace(unused, faults=("stall",))], 9)[0]) == 1


def test_a_fault_on_a_link_has_its_kind_and_one_of_another_client_its_toxic() -> None:
    model = model_of(cut(), look(6.0, counters(faults=("cut",))))
    assert model.links(ns(6.0))[0].faults == ("refuse",)
    model = model_of(cut(), look(6.0, counters(faults=("by-hand-1",))))
    assert model.links(ns(6.0))[0].faults == ("by hand",)


def test_those_in_trouble_come_first() -> None:
    under = replace(WELL, name="web[1]->db:5432", faults=("latency",))
    rows, marks = link_rows([WELL, under, LOST], 9)
    assert [row[0] for row in rows] == [LOST.name, under.name, WELL.name]
    assert marks == ["bad", "warn", "good"]


def test_two_hundred_links_are_a_row_a_pair_beside_those_in_trouble() -> None:
    rows, _ = link_rows([*many(200), LOST], 20)
    assert [row[0] for row in rows] == [LOST.name, "api->db:5432, 200 clients"]
    assert rows[1][1:5] == ["200 connected", "2.0 KB", "4.0 KB", "400"]


def test_of_very_many_in_trouble_those_that_do_not_fit_are_counted() -> None:
    rows, marks = link_rows(many(200, LOST), 10)
    assert len(rows) == len(marks) == 10
    assert rows[-1][0] == "… and 191 more in trouble"


def test_the_table_of_links_fits_eighty_columns() -> None:
    rows, _ = link_rows([replace(LOST, open=12, faults=("corruption",)), WELL], 9)
    assert sum(layout(LINK_COLUMNS, rows, 80).widths) + GAP * (len(LINK_COLUMNS) - 1) <= 80


def test_a_container_has_what_it_uses_and_one_that_ended_its_status() -> None:
    def usage(cpu_s: float) -> tuple[ResourceReading, ...]:
        return (ResourceReading("db[1]", 20 << 20, cpu_s),)

    containers = (replica("db", health="healthy", restarts=2), replica("api", state="exited"))
    looks = [look(at_s, containers=containers, usage=usage(at_s / 2)) for at_s in (1.0, 2.0)]
    rows, marks = container_rows(model_of(DoorPast(), *looks).containers())
    assert rows[0] == ["db[1]", "running", "healthy", "2", "50%", "20 MiB", ""]
    assert (rows[1][1], marks) == ("exited (1)", ["good", "bad"])


def test_one_line_sums_it_up() -> None:
    ended = ContainerRow("db[1]", "exited (1)", "", 0, None, None, (), is_own=False)
    assert summary_of([WELL, LOST], [ended], "") == ("2 links, 1 connected, 1 lost, 1 container, 1 not well")


def test_the_same_is_there_for_machines() -> None:
    shown = json.loads(json.dumps(as_json([LOST], [])))
    assert shown["links"][0]["loss"] == {"kind": "reset", "ago_s": 9.0, "back_s": None, "attempts": 4}
    assert shown["links"][0]["state"] == "lost"


@pytest.mark.parametrize(
    ("rate", "text"), [(None, ""), (0.2, "0"), (420.0, "420 B"), (1_200.0, "1.2 KB"), (2.5e6, "2.5 MB")]
)
def test_a_rate_is_short(rate: float | None, text: str) -> None:
    assert rate_text(rate) == text
