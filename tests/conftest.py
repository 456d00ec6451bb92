"""What holds for all tests: no windows, and no verdict on the speed of a machine."""

import os

from hypothesis import settings

# Before anyone imports Matplotlib, and for the interpreters that tests start too.
os.environ["MPLBACKEND"] = "Agg"

# A busy machine is not a bug. All else stays: in CI, hypothesis fixes its own seeds.
settings.register_profile("mds_sim", deadline=None)
settings.load_profile("mds_sim")
