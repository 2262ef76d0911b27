"""Settings of all tests: no example of a property test has a time limit, since a busy machine is not a
defect.
"""

from __future__ import annotations

from hypothesis import settings

# A profile that was chosen already (by the mutants' runs, or by hypothesis itself under CI) has no limit
# either.
if settings.get_current_profile_name() == "default":
    settings.register_profile("unlimited", deadline=None)
    settings.load_profile("unlimited")
