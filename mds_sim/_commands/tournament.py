"""The command ``tournament``: a game night; `mds_sim._game_night` runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mds_sim._game_night import CONTENTIONS, SEATINGS, run_tournament

from . import options as words

WORD = ""
SUMMARY = "players, tables, rounds, a champion"
EXAMPLES = """\
Names are a real night: each round is printed, and who won is typed in.
A number of players, --simulate and --json play by chance.

examples:
    python -m mds_sim tournament --players 18 --tables 4 --seats 4 --rounds 5
  a real night, kept after each step, and gone on with:
    python -m mds_sim tournament --players names.txt --save night.json
    python -m mds_sim tournament --load night.json
"""
run = run_tournament


def add_options(parser: Any) -> None:
    """Describe the options."""
    parser.add_argument(
        "--players", help="how many, or a file with a name a line (default: 16)"
    )
    parser.add_argument("--tables", type=words.count, help="tables (default: 4)")
    parser.add_argument("--seats", type=words.count, help="seats a table (default: 4)")
    parser.add_argument("--rounds", type=words.count, help="rounds (default: 5)")
    parser.add_argument(
        "--seating",
        choices=SEATINGS,
        help="who sits where: as many new faces as can be found, a round at a time "
        "(greedy, the default) or with all rounds ahead in view (horizon), by chance, "
        "equals with equals, a knockout in which nobody meets twice, or a schedule "
        "that is known in advance",
    )
    parser.add_argument(
        "--contention",
        choices=CONTENTIONS,
        help="who wins: most wins (points, the default), a knockout first and then "
        "mixing (funnel), or a final last",
    )
    parser.add_argument(
        "--forbid",
        action="append",
        metavar="NAME,NAME",
        help="a pair that never shares a table; can be given again",
    )
    parser.add_argument("--seed", type=words.seed, help="equal seeds, equal evenings")
    parser.add_argument(
        "--simulate", action="store_true", help="let chance decide who wins"
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="keep the night there, as JSON"
    )
    parser.add_argument(
        "--load", type=Path, metavar="FILE", help="go on with that night"
    )
    parser.add_argument(
        "--export",
        "--csv",
        type=Path,
        metavar="FILE",
        help="write the rounds there, as CSV; with a schedule those to come too",
    )
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="save who met whom as a figure at the end, .png, .pdf or .svg",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
