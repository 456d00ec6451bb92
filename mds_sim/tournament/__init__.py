"""Game nights: who sits where, who wins, who meets whom."""

from .checking import check_seating
from .constructions import Schedule, round_robin
from .contention import Contention, PointsLeader
from .funnel import FinalLast, FunnelFirst
from .greedy import GreedySeating
from .history import History, check_round, count_meetings, who_plays
from .horizon import HorizonSeating
from .knockout import AffineKnockout
from .outcomes import FixedOutcome, Outcome, PlackettLuce
from .players import Player, Round, Table
from .result import Standing, TournamentResult
from .schedules import schedule
from .seating import RandomSeating, ScheduledSeating, Seating
from .swiss import SwissSeating
from .tournament import Tournament

__all__ = [
    # who plays
    "Player", "Table", "Round",
    # the tournament
    "Tournament", "TournamentResult", "Standing",
    # who sits where
    "Seating", "RandomSeating", "GreedySeating", "HorizonSeating", "ScheduledSeating",
    "SwissSeating", "AffineKnockout",
    "Schedule", "schedule", "round_robin",
    # who wins
    "Outcome", "PlackettLuce", "FixedOutcome", "Contention", "PointsLeader",
    "FunnelFirst", "FinalLast",
    # write your own
    "History", "who_plays", "check_round", "count_meetings", "check_seating",
]  # fmt: skip
