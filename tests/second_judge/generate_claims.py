"""Histories of a foreign system, drawn by a seed: mostly sound, then with some defects put into them.

Keys and cells have the types that databases and JSON give them.
"""

from __future__ import annotations

from random import Random

from driver.histories.system_events import Cell
from tests.driver.claims.system_past import SystemPast

SENTENCES = (
    "every acknowledged orders.key in stored.id",
    "every acknowledged orders.value in stored.amount",
    "no stored.id twice",
    "every acknowledged orders.key in ids.id",
    "no ids.id twice",
    "every stored.id was sent",
    "every stored.id was sent by orders",
    "stored.seq in order for each stored.owner",
    "reads of kv see own writes",
    "register kv linearizable",
    "counter sums.total between acknowledged and attempted of orders",
    "counter level between acknowledged and attempted of orders",
    "queue jobs at least once",
    "queue jobs at most once",
    "queue jobs exactly once",
    "queue orders at least once in stored.id",
    "queue orders exactly once in stored.id",
    "always: level < 40",
    "outside faults: level <= 25",
    "during cut: level >= 5",
    "during partition: level < 30",
)
_OUTCOMES = ("ok",) * 8 + ("unknown", "fail", "strange")


def generated(seed: int) -> SystemPast:
    """The history of a seed."""
    return _Drawn(seed).past


class _Drawn:
    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self.past = SystemPast()
        self._outcomes = self._chance.choice([_OUTCOMES, ("ok",), ("ok", "unknown"), ("unknown", "fail")])
        self._faults()
        self._orders()
        self._registers()
        self._jobs()

    def _odds(self, share: float) -> bool:
        return self._chance.random() < share

    def _faults(self) -> None:
        if self._odds(0.8):
            self.past.fault("cut", "partition", 10.0, self._chance.choice([5.0, 12.0]))
        if self._odds(0.5):
            self.past.fault("other", self._chance.choice(["kill", "partition"]), 30.0, 5.0)

    # -- rows
    # --------------------------------------------------------------------------------------------------

    def _orders(self) -> None:
        rows: list[list[Cell]] = []
        total: float = 0
        self._first(total)
        for number in range(self._chance.choice([0, 2, 6, 12])):
            at_s = 2.0 + number * 3 + self._chance.random()
            outcome = self._chance.choice(self._outcomes)
            value: Cell = self._chance.choice([None, 1, 2.5, "3", "much"])
            self.past.operation(
                str(number), outcome, at_s, value=value, took_s=self._chance.choice([0.01, 4])
            )
            if outcome == "ok" or (outcome not in ("ok", "fail") and self._odds(0.5)):
                rows.append([self._spelled(number), self._chance.choice(["a", "b", "c"]), number, value])
                total += float(value) if value is not None and value != "much" else 1
        if self._odds(0.1) and rows:
            self.past.operation(str(number), "ok", 45.0)
        if self._odds(0.1):
            self.past.operation("late", "ok", 49.99, took_s=0.1)
        self._damage(rows)
        self._ids(rows)
        self._final(rows, total)

    def _spelled(self, number: int) -> Cell:
        spellings: list[Cell] = [number, str(number), float(number), str(number)]
        return self._chance.choice(spellings)

    def _damage(self, rows: list[list[Cell]]) -> None:
        """Forget, repeat, swap, invent rows, or make them odd."""
        if rows and self._odds(0.2):
            rows.pop(self._chance.randrange(len(rows)))
        if rows and self._odds(0.2):
            rows.append(list(self._chance.choice(rows)))
        if len(rows) > 1 and self._odds(0.3):
            one, other = self._chance.sample(range(len(rows)), 2)
            rows[one], rows[other] = rows[other], rows[one]
        if self._odds(0.2):
            rows.append(["alien", "a", 99, None])
        if self._odds(0.15):
            rows.append([None, None, None, None])
        if rows and self._odds(0.1):
            self._chance.choice(rows)[2] = self._chance.choice([None, True, "x", float("nan"), "7", "1e1"])
        if rows and self._odds(0.1):
            for row in rows[: self._chance.choice([1, 4])]:
                row[2] = str(row[2])

    def _ids(self, rows: list[list[Cell]]) -> None:
        """The rows' ids alone, as a query gives them: one row with one number is a number."""
        ids = [row[0] for row in rows]
        if self._odds(0.03):
            ids = [2.0**60]
        if len(ids) == 1 and isinstance(ids[0], int | float):
            self.past.number("ids", 50.0, ids[0], "after")
        else:
            self.past.table(["id"], [[one] for one in ids], name="ids")

    def _first(self, total: float) -> None:
        """The readings before the first fault."""
        if self._odds(0.8):
            self.past.table(["id"], [], 0.5, name="ids", moment="before")
        if self._odds(0.9):
            self.past.number("level", 0.5, total if self._odds(0.9) else None, "before")
            self.past.table(["total"], [[total]], 0.5, name="sums", moment="before")
        if self._odds(0.3):
            key: Cell = self._chance.choice(["alien", "alien", "0", "1"])
            self.past.table(["id", "owner", "seq", "amount"], [[key, "a", 0, 0]], 0.5, moment="before")

    def _final(self, rows: list[list[Cell]], total: float) -> None:
        """The readings while it runs and after healing: some fail, some lack a part."""
        for second in range(5, 45, self._chance.choice([2, 5, 11])):
            level = self._chance.choice([5, 10, 20, 25]) + self._odds(0.03) * 20 - self._odds(0.05) * 4
            self.past.number("level", float(second), None if self._odds(0.05) else level)
        total += self._chance.choice([0, 0, 0, 1e-13, 0.5, -1, 30])
        columns = ["id", "owner", "seq", "amount"]
        if self._odds(0.05):
            columns[0] = "other"
        if self._odds(0.9):
            self.past.table(["total"], [[total], [None]] if self._odds(0.8) else [["many"]], name="sums")
            end = 2.0**60 if self._odds(0.02) else total
            self.past.number("level", 50.0, end if self._odds(0.9) else None, "after")
        half = len(rows) // 2
        if self._odds(0.3):
            self.past.table(columns, rows[:half], part=1, parts=2)
            if self._odds(0.8):
                self.past.table(columns, rows[half:], part=2, parts=2)
        elif self._odds(0.95):
            self.past.table(columns, rows)
        if self._odds(0.05):
            self.past.number("stored", 55.0, None, "after")

    # -- a store of keys
    # ---------------------------------------------------------------------------------------

    def _registers(self) -> None:
        """Three clients that read and write two keys; each operation has its effect at an instant in it."""
        planned = []
        for client in range(3):
            at_s = 1.0 + self._chance.random()
            for _ in range(self._chance.choice([1, 3, 4])):
                took_s = self._chance.choice([0.5, 2.0, 4.0])
                planned.append((at_s + took_s * self._chance.random(), client, at_s, took_s))
                at_s += took_s + self._chance.choice([0.0, 0.5])
        state: dict[str, Cell] = {}
        has_values = self._odds(0.95)
        for number, (_, client, at_s, took_s) in enumerate(sorted(planned)):
            key = self._chance.choice("xy")
            outcome = self._chance.choice(self._outcomes)
            spellings: list[Cell] = [number, str(number), 1]
            value: Cell
            if self._odds(0.5):
                value = self._chance.choice(spellings) if has_values else None
                if outcome == "ok" or (outcome != "fail" and self._odds(0.5)):
                    state[key] = value
                self._client("write", key, value, outcome, at_s, took_s, client)
            else:
                value = state.get(key)
                if self._odds(0.06):
                    value = self._chance.choice([None, 0, 1, 2, "7"])
                self._client("get", key, value, outcome, at_s, took_s, client)
        if self._odds(0.02):
            self._client("increment", "x", 1, "ok", 40.0, 1.0, 1)
        if self._odds(0.1):
            self._client("head", "x", None, "ok", 40.0, 1.0, 1)

    def _client(
        self, op: str, key: str, value: Cell, outcome: str, at_s: float, took_s: float, client: int
    ) -> None:
        self.past.operation(key, outcome, at_s, load="kv", op=op, value=value, took_s=took_s, process=client)

    # -- a queue
    # ------------------------------------------------------------------------------------------------

    def _jobs(self) -> None:
        waiting: list[str] = []
        for number in range(self._chance.choice([0, 1, 4, 8])):
            outcome = self._chance.choice(self._outcomes)
            self.past.operation(f"j{number}", outcome, 1.0 + number, load="jobs", op="enqueue")
            if outcome == "ok" or (outcome != "fail" and self._odds(0.5)):
                waiting.append(f"j{number}")
        if waiting and self._odds(0.15):
            waiting.pop(self._chance.randrange(len(waiting)))
        if waiting and self._odds(0.15):
            waiting.append(self._chance.choice(waiting))
        if self._odds(0.05):
            waiting.append(self._chance.choice(["alien", "j0", "j7"]))
        for number, key in enumerate(waiting):
            outcome = "ok" if self._odds(0.95) else self._chance.choice(["unknown", "fail"])
            at_s = 20.0 + number if self._odds(0.97) else 0.5
            self.past.operation(
                "" if outcome != "ok" and self._odds(0.5) else key, outcome, at_s, load="jobs", op="Dequeue"
            )
        if self._odds(0.8):
            self.past.operation("", "ok", 40.0, load="jobs", op="dequeue")
        if self._odds(0.02):
            self.past.operation("j1", "ok", 41.0, load="jobs", op="peek")
