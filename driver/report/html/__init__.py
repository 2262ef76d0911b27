"""report.html: one file that explains a run, offline, in light and dark, on a phone and on paper."""

from driver.report.html.page import render_html

__all__ = ["render_html"]
