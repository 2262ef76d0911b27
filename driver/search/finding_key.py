"""What makes two findings the same: the check, and the services and links that it is about. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from driver.checks.finding import Finding, Status

_REPLICA = re.compile(r"\[\d+\]|-\d+$")


class FindingKey(msgspec.Struct, frozen=True, order=True):
    """A check's name, and the services or links that its failure names, without numbers of replicas."""

    check: str
    subjects: tuple[str, ...] = ()

    def covers(self, other: FindingKey) -> bool:
        """Whether another finding is this one: of the same check, about these subjects or more."""
        return self.check == other.check and set(self.subjects) <= set(other.subjects)

    def __str__(self) -> str:
        return f"{self.check} ({', '.join(self.subjects)})" if self.subjects else self.check


def failed_keys(findings: Iterable[Finding], names: Sequence[str]) -> list[FindingKey]:
    """Return the keys of the findings that failed, each once, sorted. `names` are the system's services,
    containers and links.
    """
    return sorted({key_of(one, names) for one in findings if one.status is Status.failed})


def key_of(finding: Finding, names: Sequence[str]) -> FindingKey:
    """Return the key of a finding that failed.

    The sentence's numbers, times and causes differ from run to run, so that they are no part of it. A text
    of `expect` names its subject itself.
    """
    if not finding.check.isidentifier():
        return FindingKey(finding.check)
    text = finding.because
    subjects = set()
    # A link's name has those of its ends in it.
    for name in sorted(names, key=len, reverse=True):
        pattern = rf"(?<![\w>-]){re.escape(name)}(?![\w-])"
        if re.search(pattern, text):
            # A service whose own name ends in a number is no replica: it has replicas of its own.
            is_service = any(other.startswith(f"{name}[") for other in names)
            subjects.add(name if is_service else kind_of_name(name))
            text = re.sub(pattern, " ", text)
    return FindingKey(finding.check, tuple(sorted(subjects)))


def kind_of_name(name: str) -> str:
    """Return the name of a service, container or link without numbers of replicas: `worker->db:5432`."""
    client, arrow, server = name.partition("->")
    return f"{_REPLICA.sub('', client)}{arrow}{server}" if arrow else _REPLICA.sub("", name)
