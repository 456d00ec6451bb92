"""Make the moving pictures of the README: `make pictures`.

They come from the package's own simulations with fixed seeds, and the README takes the
words for those who cannot see them from here; a test compares both.
"""

from pathlib import Path

import mds_sim as mds
from mds_sim import plots

FOLDER = Path(__file__).resolve().parent / "pictures"


def stream() -> plots.Movie:
    """Show messages, windows, batches and workers for forty minutes."""
    work = mds.LinearService(per_job=8 * mds.MINUTE, per_item=4.0)
    pipeline = mds.StreamPipeline(service=work, workers=10)
    return plots.movie_stream(pipeline.simulate(until=40 * mds.MINUTE, rng=1))


def packing() -> plots.Movie:
    """Pack a night of files by four strategies."""
    night = mds.FileSource(count=100).sample(rng=1)[0]
    rules = (mds.NextFit(), mds.WorstFit(), mds.FirstFit(), mds.FirstFitDecreasing())
    return plots.movie_packing(
        {type(rule).__name__: mds.pack(night, strategy=rule) for rule in rules}
    )


def meetings() -> plots.Movie:
    """Seat sixteen players by lot, by a look back and by a look ahead."""
    seatings = {
        "random": mds.RandomSeating(),
        "greedy": mds.GreedySeating(),
        "horizon": mds.HorizonSeating(),
    }
    return plots.movie_meetings(
        {
            name: mds.Tournament(16, 4, 4, rounds=5, seating=rule, rng=1).play()
            for name, rule in seatings.items()
        }
    )


MOVIES = {"stream": stream, "packing": packing, "meetings": meetings}


def main() -> None:
    """Write all of them, and print what they show."""
    FOLDER.mkdir(exist_ok=True)
    for name, movie in MOVIES.items():
        path = FOLDER / f"{name}.gif"
        made = movie()
        made.save(path)
        print(f"{path.name}, {path.stat().st_size:,} bytes: {made.alt}")


if __name__ == "__main__":
    main()
