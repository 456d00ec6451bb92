"""Figures: each takes data and ``ax=None``, draws, and returns the axes."""

from .analysis import plot_intervals, plot_warmup
from .compare import plot_comparison
from .diagnosis import plot_daily_rate, plot_size_laws
from .files import (
    plot_bucket_sizes,
    plot_fill,
    plot_packing,
    plot_strategies,
    strategy_colour,
)
from .movie import Movie
from .movies_files import movie_packing
from .movies_stream import movie_gantt, movie_stream, plot_stream_at
from .movies_tournament import movie_meetings
from .nights import plot_fills, plot_over_bound
from .plan import plot_plan
from .pool import plot_busy, plot_gantt, plot_workers
from .showing import show
from .stream import plot_batch_sizes, plot_latency, plot_throughput, plot_windows
from .style import COLOURS, FILLS, OKABE_ITO, look, set_style
from .system import plot_latency_by
from .tournament import (
    plot_formats,
    plot_meetings,
    plot_meetings_by_round,
    plot_new_faces,
)
from .what_if import plot_done_within, plot_pool_sizes

__all__ = [
    "COLOURS",
    "FILLS",
    "Movie",
    "OKABE_ITO",
    "look",
    "movie_gantt",
    "movie_meetings",
    "movie_packing",
    "movie_stream",
    "plot_batch_sizes",
    "plot_bucket_sizes",
    "plot_busy",
    "plot_comparison",
    "plot_daily_rate",
    "plot_done_within",
    "plot_fill",
    "plot_fills",
    "plot_formats",
    "plot_gantt",
    "plot_intervals",
    "plot_latency",
    "plot_latency_by",
    "plot_meetings",
    "plot_meetings_by_round",
    "plot_new_faces",
    "plot_over_bound",
    "plot_packing",
    "plot_plan",
    "plot_pool_sizes",
    "plot_size_laws",
    "plot_strategies",
    "plot_stream_at",
    "plot_throughput",
    "plot_warmup",
    "plot_windows",
    "plot_workers",
    "set_style",
    "show",
    "strategy_colour",
]
