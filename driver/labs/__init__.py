"""Labs: injecting faults into one, observing and healing it, and taking it down.

Imports `driver.engines`, `driver.scenarios`, `driver.judging`, `driver.metrics`, `driver.histories`, `chaos`
and `wire`. Begin with `fault_lab` (what faults need of a lab), then `fault_runner` and `heal`. The reference
lab is in `driver.reference.labs`, a system behind doors in `driver.systems`.
"""
