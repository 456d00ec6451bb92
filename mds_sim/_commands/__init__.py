"""The commands of the command line, one a module: what each does, says and refuses.

Each module has `SUMMARY`, `EXAMPLES`, `WORD` (what may follow its name), `add_options`
and `run`; `common` is what they share, `options` reads words into numbers, `reading`
takes in people's own data.
"""

# Those that `mds_sim._game_night`, which is a module of its own, takes from here.
from .common import check_plot as _check_plot
from .common import draw_seed as _draw_seed
from .common import match as _match
from .common import parameters as _parameters
from .common import save_plot as _save_plot
from .common import tell as _tell

__all__ = [
    "_check_plot",
    "_draw_seed",
    "_match",
    "_parameters",
    "_save_plot",
    "_tell",
]
