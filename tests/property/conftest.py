"""One Hypothesis profile for all properties; set HYPOTHESIS_EXAMPLES for a longer search."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "engine",
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "50")),
    deadline=None,  # a busy machine is no failure
    suppress_health_check=[HealthCheck.too_slow],
    database=None,  # no files in the tree; the failing example is printed with its blob
    print_blob=True,
)
settings.load_profile("engine")
