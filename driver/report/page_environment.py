"""What renders pages: the report's own, and those of other packages, whose templates use its assets."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from driver.report.text import printable


def page_environment(*packages: str) -> Environment:
    """Return what renders the templates in the folders of `packages`, and those of the report; text from
    outside is escaped.
    """
    own = [PackageLoader(package, ".") for package in packages]
    return Environment(
        loader=ChoiceLoader([*own, PackageLoader("driver.report", "assets")]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
