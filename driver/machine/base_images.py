"""Selects the base images of the Dockerfiles, and pulls or builds the missing ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from driver.machine import bootstrap
from driver.machine.bootstrap import Recipe
from driver.machine.setup_lock import setup_lock
from driver.machine.shell import ROOT_COMMAND, MachineError, Say, run
from driver.subprocesses import ask

# A reachable registry answers in a second or two; one behind a firewall may never answer.
FIRST_ANSWER_LIMIT_S = 10.0
PULL_LIMIT_S = 900.0


@dataclass(frozen=True)
class Base:
    """One build argument: `official` is the pinned image, `recipe` its substitute without a registry."""

    arg: str
    official: str
    recipe: Recipe


PYTHON = Base("PYTHON_BASE", "python:3.13.5-slim-bookworm", bootstrap.PYTHON)
GO = Base("GO_BASE", "golang:1.24.4-bookworm", bootstrap.GO)
CATALOGUE = (PYTHON, GO)


def local_choice(base: Base, named: str | None, official_present: bool, recipe_present: bool) -> str | None:
    """Return the image to use without a registry, or None when one must be pulled or built.

    `named` is the environment's value; it is used as it is.
    """
    if named:
        return named
    if official_present:
        return base.official
    if recipe_present:
        return base.recipe.tag
    return None


def ensure_bases(say: Say, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return build arguments of images on the engine: `{"PYTHON_BASE": …, "GO_BASE": …}`.

    Raises MachineError where one can neither be pulled nor built.
    """
    chosen = {base.arg: look(base, environment) for base in CATALOGUE}
    missing = [base for base in CATALOGUE if chosen[base.arg] is None]
    for base in missing:
        # All are in one registry: where the first cannot be pulled, the others cannot either.
        if not pull(base, say):
            break
        chosen[base.arg] = base.official
    missing = [base for base in CATALOGUE if chosen[base.arg] is None]
    if missing:
        make(missing, say)
    return {base.arg: chosen[base.arg] or base.recipe.tag for base in CATALOGUE}


def look(base: Base, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the image of this base that needs no pull, or None."""
    named = environment.get(base.arg)
    return local_choice(base, named, is_there(base.official), bootstrap.is_present(base.recipe))


def is_there(image: str) -> bool:
    """Whether the engine has the image."""
    return ask(["docker", "image", "inspect", "--format", "{{.Id}}", image]).ok


def pull(base: Base, say: Say, first_answer_limit_s: float = FIRST_ANSWER_LIMIT_S) -> bool:
    """Pull the official image; return False, and report why, where that fails or no answer comes in time."""
    say(f"pulling {base.official}")
    try:
        run(
            ["docker", "pull", base.official],
            say,
            f"pulling {base.official}",
            PULL_LIMIT_S,
            first_line_limit_s=first_answer_limit_s,
        )
    except MachineError as error:
        say(f"it cannot be pulled ({str(error).splitlines()[-1].strip()[:160]})")
        return False
    return True


def make(bases: list[Base], say: Say) -> None:
    """Build the substitutes of these bases in parallel. Raises MachineError."""
    if os.geteuid() != 0:
        raise MachineError(
            "No container registry answers, and building base images from Debian's packages needs root. Run\n"
            f"  {ROOT_COMMAND}\nor name local images: PYTHON_BASE=… GO_BASE=… make setup"
        )
    with setup_lock(say):
        bootstrap.remove_leftovers()
        recipes = [base.recipe for base in bases if not bootstrap.is_present(base.recipe)]
        # Half of a bootstrap waits for the mirror, so two in parallel take little longer than one.
        with ThreadPoolExecutor(max_workers=len(bases)) as pool:
            made = [pool.submit(bootstrap.make, recipe, say) for recipe in recipes]
        for result in made:
            result.result()
