"""`lab.py doctor`: one small question a line, each answered with what was found and the cure.

To add a question, write one function and add its name to `QUESTIONS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from driver.machine import daemon, docker_questions, host_questions, ports
from driver.machine.answer import Answer, Patient, Question, Status
from driver.machine.shell import ask

QUESTIONS: tuple[Question, ...] = (
    docker_questions.python_version,
    docker_questions.docker_client,
    docker_questions.docker_engine,
    docker_questions.compose_plugin,
    docker_questions.buildx_plugin,
    docker_questions.base_images,
    host_questions.disk_space,
    host_questions.memory,
    host_questions.open_files,
    host_questions.firewall,
    host_questions.network_mtu,
    ports.published_ports,
)


def examine(
    ports_to_publish: Sequence[tuple[str, int]], questions: Iterable[Question] = QUESTIONS
) -> list[Answer]:
    """Ask every question. `ports_to_publish`: the (host, port) pairs that the lab wants on this machine."""
    engine = daemon.server_version()
    patient = Patient(engine, _docker_info() if engine else {}, ports_to_publish)
    return [question(patient) for question in questions]


def verdict(answers: Iterable[Answer]) -> Status:
    """The worst of all answers."""
    found = {answer.status for answer in answers}
    return Status.BAD if Status.BAD in found else Status.WARN if Status.WARN in found else Status.OK


def as_lines(answers: Sequence[Answer]) -> list[str]:
    """Plain text: a line for each answer, and its cure below where one is needed."""
    width = max((len(answer.name) for answer in answers), default=0)
    lines = []
    for answer in answers:
        lines.append(f"{answer.status:<5} {answer.name:<{width}}  {answer.found}")
        if answer.status is not Status.OK and answer.cure:
            lines.append(f"{'':<5} {'':<{width}}  → {answer.cure}")
    return lines


def _docker_info() -> dict[str, object]:
    outcome = ask(["docker", "info", "--format", "{{json .}}"])
    try:
        found = json.loads(outcome.text.splitlines()[-1]) if outcome.ok else {}
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}
