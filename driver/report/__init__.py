"""Reports of a run, made from its folder."""

from driver.report.write import write_report

__all__ = ["write_report"]
