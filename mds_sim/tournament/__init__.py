"""Game nights: who sits where, who wins, who meets whom."""

from .checking import check_seating
from .constructions import Schedule, round_robin
from .contention import Contention, PointsLeader
from .history import History, check_round, count_meetings, who_plays
from .outcomes import FixedOutcome, Outcome, PlackettLuce
from .players import Player, Round, Table
from .result import Standing, TournamentResult
from .seating import GreedySeating, RandomSeating, ScheduledSeating, Seating
from .tournament import Tournament

__all__ = [
    # who plays
    "Player", "Table", "Round",
    # the tournament
    "Tournament", "TournamentResult", "Standing",
    # who sits where
    "Seating", "RandomSeating", "GreedySeating", "ScheduledSeating",
    "Schedule", "round_robin",
    # who wins
    "Outcome", "PlackettLuce", "FixedOutcome", "Contention", "PointsLeader",
    # write your own
    "History", "who_plays", "check_round", "count_meetings", "check_seating",
]  # fmt: skip
