"""What to change, from what was measured: one small file a piece of advice, each bound to its evidence."""

from driver.report.advice.advice import Advice
from driver.report.advice.catalogue import advise

__all__ = ["Advice", "advise"]
