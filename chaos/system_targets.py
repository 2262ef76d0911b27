"""Targets of a fault on a system behind doors: links and containers as written, resolved to names by a seed.

    api->db · api->db:5432 · *->db · api->* · api[1,3]->db · outside->web      links
    db · api[2] · api[1,3-5]                                                   containers
    all · 30% · random 2 · first 1                                             of all that there are
    30% of api->db · random 2 of api->db · first 1 of api                      of some of them
    [api->db, web->*]                                                          a list: all of them together

Shares, counts and draws are those of the reference lab (chaos.targets). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chaos.explain import did_you_mean, nearest, shortened
from chaos.targets import Selection, TargetError, drawn, share_of

OUTSIDE = "outside"
ANY = "*"
MOST_CHARACTERS = 4_000
_MAX_DEPTH = 8
_LINK = re.compile(r"(?P<client>[^\[\]>]+?)(?:\[(?P<replica>\d+)\])?->(?P<server>[^:>]+):(?P<port>\d+)")
_SET = re.compile(r"(?P<name>[\w.*-]+)\s*(?:\[(?P<numbers>[\d,\s-]+)\])?", re.ASCII)
_SERVER = re.compile(r"(?P<name>[\w.*-]+)\s*(?::\s*(?P<port>\d{1,5}|\*))?", re.ASCII)
_RANGE = re.compile(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?", re.ASCII)
_PICK = re.compile(
    r"(?:(?:random\s+)?(?P<share>\d+(?:\.\d+)?)\s*%|(?P<how>random|first)\s+(?P<count>\d{1,9}))"
    r"(?:\s+of\s+(?P<rest>.+))?",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True)
class _Part:
    """One link or container: its service (of a link, the client's), its replica, and a link's server."""

    name: str
    service: str
    replica: int
    server: str = ""
    port: int = 0


class SystemTargets:
    """The links and containers of one system, its named groups, and the seed of every draw.

    `services` are the numbers of replicas by name, and `links` the links' names, like `api[2]->db:5432`.
    """

    def __init__(
        self,
        services: Mapping[str, int],
        links: Iterable[str],
        seed: int,
        groups: Mapping[str, Selection] | None = None,
    ) -> None:
        self._services = dict(services)
        self._seed = seed
        self._groups = dict(groups or {})
        self._links = [_link(name) for name in links]
        self._containers = [
            _Part(f"{service}[{number}]", service, number)
            for service, replicas in self._services.items()
            for number in range(1, replicas + 1)
        ]

    def links(self, selection: Selection, draw: str, *, allow_empty: bool = False) -> tuple[str, ...]:
        """Return the links of a selection, each once, in the system's order.

        Args:
            draw: the name of the random draw; equal names draw equal targets.

        Raises TargetError where the selection has no link (unless `allow_empty`) or names one that does not
        exist.
        """
        return self._select(_Kind("link", "links", self._links, self._linked), selection, draw, allow_empty)

    def containers(self, selection: Selection, draw: str, *, allow_empty: bool = False) -> tuple[str, ...]:
        """Return the containers of a selection; otherwise as `links`."""
        kind = _Kind("container", "containers", self._containers, self._contained)
        return self._select(kind, selection, draw, allow_empty)

    def _select(self, kind: _Kind, selection: Selection, draw: str, allow_empty: bool) -> tuple[str, ...]:
        chosen = self._resolve(kind, selection, draw, 0)
        found = tuple(part.name for part in kind.parts if part.name in chosen)
        if not found and not allow_empty:
            raise TargetError(
                f"expected at least one {kind.noun}; {_shown(selection)} names none of {len(kind.parts)} "
                "(`allow_empty: true` allows that)"
            )
        return found

    def _resolve(self, kind: _Kind, selection: Selection, draw: str, depth: int) -> set[str]:
        if depth > _MAX_DEPTH:
            raise TargetError(f"groups name each other in a circle: {_shown(selection)}")
        if isinstance(selection, list):
            return set().union(
                *(
                    self._resolve(kind, item, f"{draw}/{place}", depth + 1)
                    for place, item in enumerate(selection)
                )
            )
        if not isinstance(selection, str) or len(selection) > MOST_CHARACTERS:
            raise TargetError(f"expected a selection like {kind.example}; found {_shown(selection)}")
        text = selection.strip()
        parts = _split(text)
        if len(parts) > 1:
            return set().union(*(self._resolve(kind, part, f"{draw}/{part}", depth + 1) for part in parts))
        if text in self._groups and text not in self._services:
            return self._resolve(kind, self._groups[text], f"{draw}/{text}", depth + 1)
        return set(self._picked(kind, text, draw))

    def _picked(self, kind: _Kind, text: str, draw: str) -> Sequence[str]:
        match = _PICK.fullmatch(text)
        if match is None:
            return kind.named(text)
        population = kind.named(match["rest"].strip()) if match["rest"] else kind.named("all")
        if match["share"] is not None:
            if float(match["share"]) > 100:
                raise TargetError(f"expected at most 100 %; found {text!r}")
            count = share_of(float(match["share"]), len(population))
        else:
            count = int(match["count"])
        if count > len(population):
            raise TargetError(f"{text!r} asks for {count} {kind.nouns}; there are {len(population)}")
        if match["how"] == "first":
            return population[:count]
        return drawn(population, count, self._seed, draw)

    # -- links ---------------------------------------------------------------------------------------------

    def _linked(self, text: str) -> list[str]:
        if text == "all" and "all" not in self._services:
            return [part.name for part in self._links if part.service != OUTSIDE]
        client_text, arrow, server_text = text.partition("->")
        client, server = _SET.fullmatch(client_text.strip()), _SERVER.fullmatch(server_text.strip())
        if not arrow or client is None or server is None:
            raise TargetError(self._no_link_sentence(text))
        numbers = self._client_numbers(client["name"], client["numbers"], text)
        self._check_service(server["name"], text, allow_any=True)
        name, port = server["name"], server["port"]
        found = [
            part.name
            for part in self._links
            if (part.service == client["name"] or (client["name"] == ANY and part.service != OUTSIDE))
            and (numbers is None or part.replica in numbers)
            and name in (ANY, part.server)
            and port in (None, ANY, str(part.port))
        ]
        if not found:
            raise TargetError(f"{text!r} names no link. {self._links_of(client['name'], name)}")
        return found

    def _client_numbers(self, name: str, numbers: str | None, text: str) -> Collection[int] | None:
        if name == OUTSIDE and name not in self._services:
            if numbers is not None:
                raise TargetError(f"{text!r}: what connects from outside has no replicas")
            return None
        self._check_service(name, text, allow_any=True)
        return None if numbers is None else self._numbers(name, numbers, text)

    def _no_link_sentence(self, text: str) -> str:
        expected = f"expected a link like {_EXAMPLES['link']}; found {_shown(text)}"
        name = text.partition("[")[0].strip()
        if name in self._services:
            return f"{expected}. `*->{name}` are the links to {name}, `{name}->*` those from it"
        return f"{expected}. {nearest(text, ['all', *self._pairs(), *self._groups])}"

    def _links_of(self, client: str, server: str) -> str:
        pairs = list(self._pairs())
        ends = [pair for pair in pairs if pair.startswith(f"{client}->") or f"->{server}:" in pair]
        shown = ", ".join((ends or pairs)[:12])
        return f"There are: {shown}" if shown else "The system has no link"

    def _pairs(self) -> dict[str, None]:
        return dict.fromkeys(f"{part.service}->{part.server}:{part.port}" for part in self._links)

    # -- containers ----------------------------------------------------------------------------------------

    def _contained(self, text: str) -> list[str]:
        if text in ("all", ANY) and text not in self._services:
            return [part.name for part in self._containers]
        match = _SET.fullmatch(text)
        if match is None:
            link = " `inject` of a container fault takes no link." if "->" in text else ""
            raise TargetError(
                f"expected a container like {_EXAMPLES['container']}; found {_shown(text)}.{link} "
                f"{nearest(text, self._services)}"
            )
        self._check_service(match["name"], text)
        numbers = None if match["numbers"] is None else self._numbers(match["name"], match["numbers"], text)
        return [
            part.name
            for part in self._containers
            if part.service == match["name"] and (numbers is None or part.replica in numbers)
        ]

    def _check_service(self, name: str, text: str, allow_any: bool = False) -> None:
        if name in self._services or (allow_any and name == ANY):
            return
        known = sorted(self._services)
        hint = did_you_mean(name, known) or f"The services are: {', '.join(known[:20])}."
        raise TargetError(f"{_shown(text)}: there is no service {name[:80]!r}. {hint}")

    def _numbers(self, name: str, numbers: str, text: str) -> set[int]:
        found: set[int] = set()
        most = max(self._services.values(), default=0) if name == ANY else self._services[name]
        for part in numbers.split(","):
            match = _RANGE.fullmatch(part.strip())
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
            if first < 1 or last < first:
                raise TargetError(f"expected replicas like [1,3-5]; found {_shown(text)}")
            if last > most:
                one = "1 replica" if most == 1 else f"{most} replicas"
                raise TargetError(f"{_shown(text)} names replica {last}; {name} has {one}")
            found |= set(range(first, last + 1))
        return found


_EXAMPLES = {"link": "api->db, *->db or 30% of api->db", "container": "db, api[2] or 30% of api"}


@dataclass(frozen=True)
class _Kind:
    """Links or containers: their nouns, all of them, and what reads a set of them."""

    noun: str
    nouns: str
    parts: Sequence[_Part]
    named: Callable[[str], list[str]]

    @property
    def example(self) -> str:
        """Examples of a selection."""
        return _EXAMPLES[self.noun]


def _link(name: str) -> _Part:
    match = _LINK.fullmatch(name)
    assert match is not None, name
    return _Part(name, match["client"], int(match["replica"] or 0), match["server"], int(match["port"]))


def _split(text: str) -> list[str]:
    """Return the parts of a text between commas; those in brackets separate nothing."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _shown(selection: Selection) -> str:
    return shortened(repr(selection), 200)
