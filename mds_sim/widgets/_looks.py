"""What the seating plan shows: words, tables and colours, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mds_sim._tables import html_table
from mds_sim.tournament import Round, Tournament
from mds_sim.units import counted

MOST_IN_GRID = 40  # players whose meetings still fit on a screen
WHEN = {  # what is said of a step that waits for the round to end
    "add_player": "plays from the next round on",
    "remove_player": "leaves after this round",
}

# Colours are those of the page, light or dark, but for the winner: white on this blue
# has a contrast of 5.2 on either. A star says it without colour. The ring of the focus
# has 3.9 on white and 4.9 on the dark page; without `:enabled` Jupyter's own, which is
# hardly seen, would win. It ends 2 pixels out, where the rows would cut it off.
STYLE = """<style>
.mds-plan .mds-tables {display: grid; gap: 12px; margin: 4px 0; overflow: visible;
  grid-template-columns: repeat(auto-fill, minmax(180px, 1fr))}
.mds-plan .mds-card {border: 1px solid var(--jp-border-color1, #bbb);
  border-radius: 8px; padding: 6px 10px 10px; overflow: visible;
  background: var(--jp-layout-color2, #f4f4f4)}
.mds-plan .mds-card .widget-html-content {font-weight: 600; line-height: 1.6}
.mds-plan .mds-card .widget-toggle-buttons,
.mds-plan .mds-card .widget-toggle-buttons > div {width: 100%; overflow: visible}
.mds-plan .mds-card button {display: block; width: 100%; margin: 3px 0; height: 32px;
  text-align: left; padding-left: 28px; position: relative; font-size: 14px;
  color: var(--jp-ui-font-color1, #222); background: var(--jp-layout-color1, #fff);
  border: 1px solid var(--jp-border-color1, #bbb); border-radius: 4px}
.mds-plan .mds-card button.mod-active {background: #0072b2; color: #fff;
  border-color: #0072b2; font-weight: 700}
.mds-plan .mds-card button.mod-active::before {content: "★"; position: absolute;
  left: 9px}
.mds-plan button:focus-visible:enabled {outline: 3px solid #d55e00;
  outline-offset: -1px}
.mds-plan h3 {margin: 8px 0 0; font-size: 20px}
.mds-plan p {margin: 2px 0; line-height: 1.5}
.mds-plan p[role=alert] {border-left: 4px solid #d55e00; padding-left: 8px}
.mds-plan p[role=status] {border-left: 4px solid #009e73; padding-left: 8px}
.mds-plan table {border-collapse: collapse; margin: 4px 24px 4px 0; font-size: 13px;
  line-height: 1.5; color: var(--jp-ui-font-color1, #222)}
.mds-plan caption {text-align: left; font-weight: 600; font-size: 14px; padding: 4px 0;
  white-space: nowrap}
.mds-plan th, .mds-plan td {padding: 1px 7px; text-align: right;
  border-bottom: 1px solid var(--jp-border-color2, #ddd)}
.mds-plan tbody th {text-align: left; font-weight: 400}
.mds-plan thead th:first-child {text-align: left}
.mds-plan .mds-grid table {table-layout: fixed}
.mds-plan .mds-grid td {border: 1px solid var(--jp-border-color2, #ddd); padding: 0;
  width: 20px; min-width: 20px; text-align: center}
.mds-plan .mds-grid thead th {writing-mode: vertical-rl; transform: rotate(180deg);
  padding: 5px 0; text-align: left; font-weight: 400; border: 0; white-space: nowrap;
  max-height: 110px; overflow: hidden; text-overflow: ellipsis}
.mds-plan .mds-grid thead th:first-child {writing-mode: initial}
</style>"""


def heading(tournament: Tournament) -> str:
    """Say which round this is and who sits out, or who has won."""
    seated = tournament.waiting
    if tournament.finished:
        champion = escape(tournament.standings[0].player.name)
        return f"<h3>★ {champion} has won the evening</h3>"
    played, rounds = tournament.history.round, tournament.history.rounds
    what = "Playoff" if played == rounds else f"Round {played + 1} of {rounds}"
    return f"<h3>{what}</h3>" + ("" if seated is None else _bench(seated))


def _bench(seated: Round) -> str:
    """Say who sits out."""
    bench = ", ".join(escape(player.name) for player in seated.bench)
    return f"<p>Sitting out: {bench}</p>" if bench else ""


def table_head(number: int, winner: str | None) -> str:
    """Return the heading of a table's card: its number, and who has won."""
    return f"Table {number}" + (f": {escape(winner)} won" if winner else "")


def note(
    winners: Sequence[str | None], to_come: Sequence[tuple[str, str]], path: str | None
) -> str:
    """Say how many winners are clicked, who comes or goes, and where it is saved.

    A file holds neither clicks nor what waits for the round to end, and so says it.
    """
    done = sum(winner is not None for winner in winners)
    notes = [f"{done} of {counted(len(winners), 'winner', spec='')} clicked"] * bool(
        winners
    )
    notes += [f"{name} {WHEN[step]}" for step, name in to_come]
    part = " up to the last finished round" if done or to_come else ""
    notes += [f"saved in {path}{part}"] if path else []
    return "; ".join(notes)


def notice(wrong: str, note: str) -> str:
    """Return what the panel has to say; screen readers read it out."""
    if wrong:
        return f'<p role="alert"><b>Not done:</b> {escape(wrong)}</p>'
    return f'<p role="status">{escape(note)}</p>' if note else ""


def standings(tournament: Tournament) -> str:
    """Return the standings as a table."""
    criteria = tuple(tournament.contention.criteria)
    present = tournament.present
    rows = [
        (
            s.player.name + ("" if s.player in present else " (left)"),
            *map(str, (s.rank, *s.scores, s.met, s.sat_out)),
        )
        for s in tournament.standings
    ]
    header = ("player", "rank", *criteria, "people met", "sat out")
    return html_table("Standings", rows, header)


def meetings(tournament: Tournament) -> str:
    """Return who has met whom as a grid: empty, once, or the number of times."""
    met = tournament.meetings
    if len(met) > MOST_IN_GRID:
        return ""
    names = [player.name for player in tournament.players]
    rows = [
        (name, *("·" if p == q else _times(int(m)) for q, m in enumerate(row)))
        for p, (name, row) in enumerate(zip(names, met, strict=True))
    ]
    pairs = len(names) * (len(names) - 1) // 2
    title = (
        f"Who has met whom: {int((met > 0).sum()) // 2} of "
        f"{counted(pairs, 'pair', spec='')}"
    )
    return html_table(title, rows, ("", *names))


def _times(count: int) -> str:
    """Write how often two have met, so that it can be told apart without colour."""
    return {0: "", 1: "●"}.get(count, str(count))
