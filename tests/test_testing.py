"""The judge of window rules: it passes ours, and convicts a cheat for each rule.

The judges of strategies and of seatings are tested where those live.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mds_sim import testing
from mds_sim.files.checking import check_bucketing_strategy
from mds_sim.stream import (
    CountWindow,
    FirstMessageWindow,
    SessionWindow,
    TumblingWindow,
    WindowRule,
)
from mds_sim.stream.checking import check_window_rule
from mds_sim.tournament.checking import check_seating

Floats = NDArray[np.float64]


def test_there_are_three_judges() -> None:
    assert testing.check_window_rule is check_window_rule
    assert testing.check_bucketing_strategy is check_bucketing_strategy
    assert testing.check_seating is check_seating


@dataclass(frozen=True)
class AtTheHour(WindowRule):
    """A user's own rule, as in the docstring of `WindowRule`."""

    least: float = 600.0

    def deadline(self, opened: float, latest: float) -> float:
        return math.ceil((opened + self.least) / 3600) * 3600.0


@dataclass(frozen=True)
class Half(WindowRule):
    """A user's own: honest, and the cheats below spoil it."""

    max_messages: int | None = 4

    def deadline(self, opened: float, latest: float) -> float:
        return latest + 60.0 if latest == opened else latest + 30.0


@pytest.mark.parametrize(
    "rule",
    [
        FirstMessageWindow(),
        FirstMessageWindow(0.1),
        FirstMessageWindow(60.0, max_messages=1),
        FirstMessageWindow(60.0, max_messages=5),
        TumblingWindow(0.1),
        TumblingWindow(60.0),
        SessionWindow(0.3),
        SessionWindow(60.0),
        CountWindow(1),
        CountWindow(7),
        AtTheHour(),
        Half(),
        FirstMessageWindow(60.0, max_bytes=1000),
        FirstMessageWindow(60.0, max_messages=3, max_bytes=3),
    ],
    ids=repr,
)
def test_a_good_rule_passes(rule: WindowRule) -> None:
    check_window_rule(rule)


@dataclass(frozen=True)
class Meddling(Half):
    def assign(self, arrivals: Any) -> Any:
        batch = super().assign(arrivals)
        arrivals += 1.0
        return batch


@dataclass(frozen=True)
class Listing(Half):
    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        return super().assign(arrivals, sizes).tolist()


@dataclass(frozen=True)
class Short(Half):
    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        return super().assign(arrivals, sizes)[1:]


@dataclass(frozen=True)
class Real(Half):
    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        return super().assign(arrivals, sizes) / 1


@dataclass(frozen=True)
class FromOne(Half):
    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        return super().assign(arrivals, sizes) + 1


@dataclass(frozen=True)
class Gappy(Half):
    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        return super().assign(arrivals, sizes) * 2


@dataclass(frozen=True)
class Moody(Half):
    calls: list[int] = field(default_factory=list, repr=False)

    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        self.calls.append(1)
        return np.arange(arrivals.size) // (1 + len(self.calls) % 2)


@dataclass(frozen=True)
class Closed(FirstMessageWindow):
    """A message at the end still belongs to the window: not half open."""

    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        starts = np.zeros(arrivals.size, np.int64)
        opened = arrivals[0] if arrivals.size else 0.0
        for i, time in enumerate(arrivals):
            if time > opened + self.length:
                starts[i], opened = 1, time
        return np.cumsum(starts)


@dataclass(frozen=True)
class OneEnd(Half):
    def closes(self, arrivals: Any) -> Any:
        return super().closes(arrivals)[:1]


@dataclass(frozen=True)
class TooEarly(Half):
    def closes(self, arrivals: Any) -> Any:
        return super().closes(arrivals) * 0


@dataclass(frozen=True)
class TooLate(Half):
    def closes(self, arrivals: Any) -> Any:
        ends = super().closes(arrivals)
        return ends + 1e6 * (ends.size > 1)


@dataclass(frozen=True)
class Inventive(Half):
    """Its ends are possible, but not those of its deadlines."""

    def closes(self, arrivals: Any) -> Any:
        ends = np.array(super().closes(arrivals))
        ends[-1:] += 1.0
        return ends


@dataclass(frozen=True)
class Weightless(SessionWindow):
    """Its fast way knows nothing of bytes."""

    max_bytes: int | None = 100


@dataclass(frozen=True)
class Overfull(Half):
    max_messages: int | None = 0


@dataclass(frozen=True)
class Backward(Half):
    def deadline(self, opened: float, latest: float) -> float:
        return opened + 1.0 if latest == opened else opened


@dataclass(frozen=True)
class Broken(Half):
    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        return arrivals[arrivals.size]


@dataclass(frozen=True)
class Bound(Half):
    log: Any = field(default=lambda: None, repr=False)  # no pickle takes a lambda

    def __reduce__(self) -> Any:
        return Bound, (self.max_messages, self.log)


@dataclass(frozen=True)
class Forgetful(Half):
    """A copy of it does not know its most."""

    def __reduce__(self) -> Any:
        return Forgetful, ()


# The streams that show it, from the judge's fixed seed.
NONE = "[]"
ONE = "[17.0]"


@pytest.mark.parametrize(
    ("cheat", "message"),
    [
        (Meddling(), f"arrivals must not change: {{rule}} on {ONE}"),
        (Listing(), f"assign must return int64 of shape (0,): {{rule}} on {NONE}"),
        (Short(), f"assign must return int64 of shape (1,): {{rule}} on {ONE}"),
        (Real(), f"assign must return int64 of shape (0,): {{rule}} on {NONE}"),
        (FromOne(), f"batches must be numbered 0, 1, ... in order: {{rule}} on {ONE}"),
        (Gappy(), "batches must be numbered 0, 1, ... in order: {rule} on [...]"),
        (Moody(), "assign must give the same answer twice: {rule} on [...]"),
        (
            Closed(30.0),
            "assign must agree with one message at a time: {rule} on [...]",
        ),
        (OneEnd(), "closes must give one time a batch: {rule} on [...]"),
        (TooEarly(), f"a batch must close after its messages: {{rule}} on {ONE}"),
        (TooLate(), "a batch must close before the next one opens: {rule} on [...]"),
        (Inventive(), f"closes must agree with the deadlines: {{rule}} on {ONE}"),
        (
            Weightless(60.0),
            "sizes must count as one message at a time: {rule} on [...]",
        ),
        (
            Overfull(),
            "a rule must not fail, but ValueError: max_messages must be >= 1, "
            f"got 0: {{rule}} on {NONE}",
        ),
        (
            Backward(),
            "a rule must not fail, but ValueError: the deadline of {rule} must be "
            "later than the latest message at ... s, got ...: {rule} on [...]",
        ),
        (
            Broken(),
            "a rule must not fail, but IndexError: index 0 is out of bounds for axis "
            f"0 with size 0: {{rule}} on {NONE}",
        ),
        (Bound(), "a rule must be picklable, but ...: {rule}"),
        (Forgetful(max_messages=2), "a copy must agree: {rule} on [...]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_cheat_is_convicted(cheat: WindowRule, message: str) -> None:
    text = re.escape(message.format(rule=repr(cheat)))
    pattern = text.replace(re.escape("[...]"), r"\[[\d., ]+\]")
    # The dots in "0, 1, ..." are dots; all others stand for what may change.
    pattern = re.sub(r"(?<!, )\\\.\\\.\\\.", r".+", pattern)
    with pytest.raises(AssertionError, match=f"^{pattern}$"):
        check_window_rule(cheat)


@pytest.mark.parametrize(
    ("rule", "cases", "error", "message"),
    [
        (
            FirstMessageWindow,
            200,
            TypeError,
            "window must be a WindowRule such as FirstMessageWindow(300), "
            "got the class FirstMessageWindow: call it",
        ),
        (
            300.0,
            200,
            TypeError,
            "window must be a WindowRule such as FirstMessageWindow(300), got 300.0",
        ),
        (FirstMessageWindow(), -1, ValueError, "cases must be >= 0, got -1"),
    ],
)
def test_what_is_no_rule_is_not_judged(
    rule: Any, cases: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        check_window_rule(rule, cases)


def test_few_cases_are_a_quick_look() -> None:
    check_window_rule(Half(), cases=0)
