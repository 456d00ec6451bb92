"""The judge of strategies: it passes ours, and convicts a cheat for each rule."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mds_sim.files import strategies
from mds_sim.files.checking import check_bucketing_strategy

Ints = NDArray[np.int64]
OURS = [
    rule
    for name, rule in vars(strategies).items()
    if re.search("Fit(Decreasing)?$", name)
]


@pytest.mark.parametrize("rule", OURS)
def test_ours_pass(rule: type[Any]) -> None:
    check_bucketing_strategy(rule())


def test_all_eleven_were_tried() -> None:
    assert len(OURS) == 11


class OneEach:
    """Honest, if wasteful; the cheats below spoil it."""

    def assign(self, sizes: Ints, capacity: int) -> Any:
        return np.arange(sizes.size)


class Crowded(OneEach):
    def assign(self, sizes: Ints, capacity: int) -> Any:
        return np.zeros(sizes.size, dtype=int)


class Forgetful(OneEach):
    def assign(self, sizes: Ints, capacity: int) -> Any:
        return np.arange(sizes.size - 1)


class Gappy(OneEach):
    def assign(self, sizes: Ints, capacity: int) -> Any:
        return np.arange(sizes.size) * 2


class Real(OneEach):
    def assign(self, sizes: Ints, capacity: int) -> Any:
        return np.arange(sizes.size) / 1


class Sorting(OneEach):
    def assign(self, sizes: Ints, capacity: int) -> Any:
        sizes[:] = np.sort(sizes)[::-1]
        return np.arange(sizes.size)


class Broken(OneEach):
    def assign(self, sizes: Ints, capacity: int) -> Any:
        return sizes[sizes.size]


@dataclass
class Moody(OneEach):
    calls: list[int] = field(default_factory=list)

    def assign(self, sizes: Ints, capacity: int) -> Any:
        self.calls.append(1)
        return (np.arange(sizes.size) + len(self.calls)) % sizes.size


@dataclass
class Turning(OneEach):
    """One bucket each and as few as can be, in turn."""

    calls: list[int] = field(default_factory=list)

    def assign(self, sizes: Ints, capacity: int) -> Any:
        self.calls.append(1)
        if len(self.calls) % 2:
            return np.arange(sizes.size)
        return strategies.FirstFit().assign(sizes, capacity)


class Ragged(OneEach):
    def assign(self, sizes: Ints, capacity: int) -> Any:
        return [[0], [0, 1]]


@dataclass
class Longer(OneEach):
    """The second of three answers has a file too many."""

    calls: list[int] = field(default_factory=list)

    def assign(self, sizes: Ints, capacity: int) -> Any:
        self.calls.append(1)
        return np.arange(sizes.size + (len(self.calls) % 3 == 2))


@dataclass
class Bound(OneEach):
    log: Any = field(default_factory=lambda: lambda: None)  # no pickle takes a lambda


@pytest.mark.parametrize(
    ("cheat", "message"),
    [
        (
            Crowded(),
            r"Crowded must put at most 10 bytes into a bucket, but bucket 0 holds 11: "
            r"file 1 is the first too many; sizes=\[6, 5\], capacity=10",
        ),
        (
            Forgetful(),
            r"Forgetful must put each of 1 file into one bucket, got an answer of "
            r"shape \(0,\); sizes=\[10\], capacity=10",
        ),
        (
            Gappy(),
            r"Gappy must leave no bucket empty, but bucket 1 is, and file 1 is in "
            r"bucket 2; sizes=\[6, 5\], capacity=10",
        ),
        (
            Real(),
            r"Real must answer in whole numbers, got float64; "
            r"sizes=\[10\], capacity=10",
        ),
        (
            Sorting(),
            r"Sorting must not change the sizes it is given, but ValueError: "
            r"assignment destination is read-only; sizes=\[10\], capacity=10",
        ),
        (
            Broken(),
            r"Broken must not fail, but IndexError: index 1 is out of bounds for axis "
            r"0 with size 1; sizes=\[10\], capacity=10",
        ),
        (
            Moody(),
            r"Moody must answer the same when asked twice, but file \d+ went to bucket "
            r"\d+, then to bucket \d+; sizes=\[.*\], capacity=\d+",
        ),
        (
            Turning(),
            r"Turning must answer the same when asked twice, but file 1 went to bucket "
            r"0, then to bucket 1; sizes=\[5, 5, 5, 5\], capacity=10",
        ),
        (
            Ragged(),
            r"Ragged must put each of 1 file into one bucket, got rows of unequal "
            r"length; sizes=\[10\], capacity=10",
        ),
        (
            Longer(),
            r"Longer must answer the same when asked twice, but gave shape \(1,\), "
            r"then \(2,\); sizes=\[10\], capacity=10",
        ),
        (Bound(), r"Bound must be picklable, to travel to a worker process: .*"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_cheat_is_convicted(cheat: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=f"^{message}$"):
        check_bucketing_strategy(cheat)


def test_an_honest_one_passes() -> None:
    check_bucketing_strategy(OneEach())


def test_a_class_is_no_strategy() -> None:
    message = (
        r"strategy must be a bucketing strategy such as FirstFitDecreasing\(\), "
        r"got the class OneEach: call it"
    )
    with pytest.raises(TypeError, match=f"^{message}$"):
        check_bucketing_strategy(OneEach)  # type: ignore[arg-type]
