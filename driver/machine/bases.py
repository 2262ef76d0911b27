"""Decides which base images the Dockerfiles start from, and has the missing ones made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from driver.machine import bootstrap
from driver.machine.alone import alone
from driver.machine.bootstrap import Recipe
from driver.machine.shell import ROOTS_PART, MachineError, Say, ask, run

# A registry that is there answers in a second or two; one that is walled off may never answer.
FIRST_ANSWER_LIMIT_S = 10.0
PULL_LIMIT_S = 900.0


@dataclass(frozen=True)
class Base:
    """One build argument: `official` is the pinned image, `recipe` what stands in without a registry."""

    arg: str
    official: str
    recipe: Recipe


PYTHON = Base("PYTHON_BASE", "python:3.13.5-slim-bookworm", bootstrap.PYTHON)
GO = Base("GO_BASE", "golang:1.24.4-bookworm", bootstrap.GO)
CATALOGUE = (PYTHON, GO)


def local_choice(base: Base, named: str | None, official_present: bool, recipe_present: bool) -> str | None:
    """The image to use without asking any registry, or None when one has to be fetched or made.

    `named` is what the user put into the environment; it is taken as it is.
    """
    if named:
        return named
    if official_present:
        return base.official
    if recipe_present:
        return base.recipe.tag
    return None


def ensure_bases(say: Say, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Build arguments naming base images that are on the engine: `{"PYTHON_BASE": …, "GO_BASE": …}`."""
    chosen = {base.arg: look(base, environment) for base in CATALOGUE}
    missing = [base for base in CATALOGUE if chosen[base.arg] is None]
    for base in missing:
        # One registry holds them all: where the first is not to be had, asking on only takes time.
        if not pull(base, say):
            break
        chosen[base.arg] = base.official
    missing = [base for base in CATALOGUE if chosen[base.arg] is None]
    if missing:
        make(missing, say)
    return {base.arg: chosen[base.arg] or base.recipe.tag for base in CATALOGUE}


def look(base: Base, environment: Mapping[str, str] = os.environ) -> str | None:
    """The image of this base that needs no fetching, or None."""
    named = environment.get(base.arg)
    return local_choice(base, named, is_there(base.official), bootstrap.is_present(base.recipe))


def is_there(image: str) -> bool:
    """True when the engine holds the image."""
    return ask(["docker", "image", "inspect", "--format", "{{.Id}}", image]).ok


def pull(base: Base, say: Say) -> bool:
    """Pull the official image; False, and a line saying why, where no registry gives it."""
    say(f"pulling {base.official}")
    try:
        run(
            ["docker", "pull", base.official],
            say,
            f"pulling {base.official}",
            PULL_LIMIT_S,
            first_line_limit_s=FIRST_ANSWER_LIMIT_S,
        )
    except MachineError as error:
        say(f"no registry gives it ({str(error).splitlines()[-1].strip()[:160]})")
        return False
    return True


def make(bases: list[Base], say: Say) -> None:
    """Bootstrap the stand-ins for these bases, all at once."""
    if os.geteuid() != 0:
        raise MachineError(
            "No container registry answers, and making base images from Debian's packages needs root. Run\n"
            f"  {ROOTS_PART}\nor name images that are there: PYTHON_BASE=… GO_BASE=… make setup"
        )
    with alone(say):
        bootstrap.remove_leftovers()
        recipes = [base.recipe for base in bases if not bootstrap.is_present(base.recipe)]
        # Half of a bootstrap is waiting for the mirror, so two at once take little longer than one.
        with ThreadPoolExecutor(max_workers=len(bases)) as pool:
            made = [pool.submit(bootstrap.make, recipe, say) for recipe in recipes]
        for result in made:
            result.result()
