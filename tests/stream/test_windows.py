"""Window rules: half open, and the same on arrays as one message after the other."""

import math
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mds_sim.data import EARTHQUAKES, FLIGHTS
from mds_sim.distributions import Constant
from mds_sim.records import no_sizes
from mds_sim.sim._streaming import first_message_starts
from mds_sim.stream import (
    CountWindow,
    FirstMessageWindow,
    OpenWindow,
    SessionWindow,
    StreamPipeline,
    TraceArrivals,
    TumblingWindow,
    WindowRule,
    read_arrivals,
)
from mds_sim.stream import one_by_one as grouped_one_by_one
from mds_sim.stream.windows import COMPILED_FROM, batch_bounds
from mds_sim.units import MINUTE

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Impatient(WindowRule):
    """A user's own: the longer a window is open, the shorter the pause that ends it."""

    patience: float = 300.0

    def deadline(self, opened: float, latest: float) -> float:
        return latest + max(self.patience - 2 * (latest - opened), 1.0)


@dataclass(frozen=True)
class Patient(WindowRule):
    """A user's own: time closes nothing before the stream has a minute's pause."""

    max_messages: int | None = 3

    def deadline(self, opened: float, latest: float) -> float:
        return math.inf if latest == opened else latest + MINUTE


RULES: list[WindowRule] = [
    FirstMessageWindow(),
    FirstMessageWindow(60.0),
    FirstMessageWindow(0.3),
    FirstMessageWindow(60.0, max_messages=1),
    FirstMessageWindow(60.0, max_messages=3),
    TumblingWindow(60.0),
    TumblingWindow(0.1),
    TumblingWindow(1 / 3),
    SessionWindow(60.0),
    SessionWindow(0.3),
    CountWindow(1),
    CountWindow(3),
    Impatient(),
    Patient(),
]

# Gaps that meet the lengths above exactly, or miss them by a rounding error.
GAPS = [0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 1 / 3, 20.0, 30.0, 59.9, 60.0, 299.9, 300.0]


def one_by_one(rule: WindowRule, times: Floats) -> tuple[list[int], list[float]]:
    """Return the batch of each message and the end of each batch: the object layer."""
    batch, closes = grouped_one_by_one(rule, times, np.zeros(times.size, np.int64))
    return batch.tolist(), closes.tolist()


def streams(cases: int) -> list[Floats]:
    """Return short streams full of ties."""
    rng = np.random.default_rng(20240229)
    sizes = rng.integers(0, 9, cases)
    gaps = rng.choice(GAPS, sizes.sum())
    return [np.cumsum(part) for part in np.split(gaps, np.cumsum(sizes)[:-1])]


@pytest.mark.parametrize("rule", RULES, ids=repr)
class TestAllRules:
    def test_arrays_agree_with_one_message_at_a_time(self, rule: WindowRule) -> None:
        # 14 rules x 7200 streams: more than 1e5 cases.
        for times in streams(7200):
            batch, closes = rule.group(times)
            assert (batch.tolist(), closes.tolist()) == one_by_one(rule, times)

    @given(st.lists(st.floats(0, 1e9), max_size=40).map(sorted))
    def test_they_agree_wherever_messages_fall(
        self, rule: WindowRule, times: list[float]
    ) -> None:
        batch, closes = one_by_one(rule, np.array(times))
        assert rule.assign(times).tolist() == batch
        assert rule.closes(times).tolist() == closes

    def test_no_message_makes_no_batch(self, rule: WindowRule) -> None:
        assert rule.assign([]).dtype == np.int64
        assert rule.assign([]).shape == rule.closes([]).shape == (0,)

    def test_batches_are_numbered_in_order_and_close_before_the_next(
        self, rule: WindowRule
    ) -> None:
        for times in streams(300):
            batch, closes = rule.assign(times), rule.closes(times)
            assert batch.dtype == np.int64
            assert np.array_equal(np.unique(batch), np.arange(closes.size))
            assert (np.diff(batch) >= 0).all()
            first, last, _ = batch_bounds(batch)
            assert (times[last] <= closes).all()
            assert (closes[:-1] <= times[first[1:]]).all()

    def test_messages_that_go_back_in_time_are_refused(self, rule: WindowRule) -> None:
        message = (
            "arrivals must be ascending, but arrivals[1] = 4.0 comes after 5.0; "
            "sort them first"
        )
        for method in (rule.assign, rule.closes):
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                method([5.0, 4.0])

    def test_a_rule_is_a_value(self, rule: WindowRule) -> None:
        same = eval(repr(rule), globals())
        assert rule == same
        assert hash(rule) == hash(same)
        with pytest.raises((FrozenInstanceError, AttributeError)):
            rule.max_messages = 7


@pytest.mark.parametrize(
    ("rule", "times", "batch", "closes"),
    [
        # A message at the end of a window, and one just before.
        (FirstMessageWindow(300), [0, 300], [0, 1], [300, 600]),
        (FirstMessageWindow(300), [0, 299.9, 300, 600], [0, 0, 1, 2], [300, 600, 900]),
        (FirstMessageWindow(300), [17, 317, 317], [0, 1, 1], [317, 617]),
        # Equal stamps stay together, as far as the count allows.
        (FirstMessageWindow(300), [5, 5, 5], [0, 0, 0], [305]),
        (FirstMessageWindow(300, 2), [5, 5, 5], [0, 0, 1], [5, 305]),
        (FirstMessageWindow(300, 1), [5, 5], [0, 1], [5, 5]),
        # A count that closes resets the window: the next one opens with a message.
        (FirstMessageWindow(300, 2), [0, 100, 200, 450], [0, 0, 1, 1], [100, 450]),
        (FirstMessageWindow(300, 2), [0, 100, 200, 500], [0, 0, 1, 2], [100, 500, 800]),
        # A count that is reached with the last message before the end, or not at all.
        (FirstMessageWindow(300, 2), [0, 299], [0, 0], [299]),
        (FirstMessageWindow(300, 2), [0, 300], [0, 1], [300, 600]),
        (TumblingWindow(300), [0, 299, 300, 1200], [0, 0, 1, 2], [300, 600, 1500]),
        (TumblingWindow(0.1), [0.3, 0.4], [0, 1], [0.1 * 3, 0.5]),
        (SessionWindow(60), [0, 59, 118, 178], [0, 0, 0, 1], [178, 238]),
        (SessionWindow(60), [0, 0, 60], [0, 0, 1], [60, 120]),
        (CountWindow(2), [0, 1, 1, 7, 9], [0, 0, 1, 1, 2], [1, 7, 9]),
        (CountWindow(9), [3, 4], [0, 0], [4]),
        (Patient(), [0, 5, 65, 66, 67, 68], [0, 0, 1, 1, 1, 2], [65, 67, 68]),
    ],
    ids=str,
)
def test_what_a_rule_decides(
    rule: WindowRule, times: list[float], batch: list[int], closes: list[float]
) -> None:
    assert rule.assign(times).tolist() == batch
    assert rule.closes(times).tolist() == closes


@given(
    st.lists(st.tuples(st.floats(0, 1e7), st.integers(0, 12)), max_size=60).map(sorted),
    st.floats(1e-2, 1e6),
    st.none() | st.integers(1, 5),
    st.none() | st.integers(1, 10),
)
def test_first_message_windows_do_what_the_problem_says(
    messages: list[tuple[float, int]],
    length: float,
    most: int | None,
    limit: int | None,
) -> None:
    batches: list[list[int]] = []
    opened = -math.inf
    for time, size in messages:
        load = sum(batches[-1]) if batches else 0
        is_full = bool(batches) and len(batches[-1]) == most
        is_full |= limit is not None and (load >= limit or load + size > limit)
        if not batches or time >= opened + length or is_full:
            batches.append([])
            opened = time
        batches[-1].append(size)
    times, sizes = [time for time, _ in messages], [size for _, size in messages]
    batch = FirstMessageWindow(length, most, limit).assign(times, sizes)
    assert np.bincount(batch).tolist() == [len(each) for each in batches]


@given(st.floats(1e-3, 1e6), st.integers(0, 10**6), st.data())
def test_a_tumbling_window_begins_on_a_point_of_the_grid_and_ends_on_the_next(
    length: float, k: int, data: st.DataObject
) -> None:
    begin, end = k * length, (k + 1) * length
    opened = data.draw(st.floats(begin, math.nextafter(end, 0)))
    assert TumblingWindow(length).deadline(opened, opened) == end


@pytest.mark.parametrize(
    ("data", "column", "missing", "batches", "largest"),
    [
        (EARTHQUAKES, "time", 0, 925, 6),
        (FLIGHTS, "actual_departure", 298, 1359, 17),
    ],
)
def test_first_message_windows_on_real_data(
    data: Any, column: str, missing: int, batches: int, largest: int
) -> None:
    trace = read_arrivals(data, column)
    assert f" {missing} without a stamp and 0 unreadable" in str(trace.report)
    size = np.bincount(FirstMessageWindow(300).assign(trace.times))
    assert (size.size, size.max(), size.sum()) == (batches, largest, len(trace))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: FirstMessageWindow(0),
            ValueError,
            "length must be > 0 and finite s, got 0",
        ),
        (
            lambda: FirstMessageWindow(math.inf),
            ValueError,
            "length must be > 0 and finite s, got inf",
        ),
        (
            lambda: FirstMessageWindow("300"),  # type: ignore[arg-type]
            TypeError,
            "length must be a number, got '300'",
        ),
        (
            lambda: FirstMessageWindow(max_messages=0),
            ValueError,
            "max_messages must be >= 1, got 0",
        ),
        (
            lambda: FirstMessageWindow(max_messages=2.0),  # type: ignore[arg-type]
            TypeError,
            "max_messages must be a whole number, got 2.0",
        ),
        (
            lambda: TumblingWindow(-1),
            ValueError,
            "length must be > 0 and finite s, got -1",
        ),
        (
            lambda: SessionWindow(math.nan),
            ValueError,
            "gap must be > 0 and finite s, got nan",
        ),
        (lambda: CountWindow(0), ValueError, "n must be >= 1, got 0"),
    ],
)
def test_a_rule_checks_its_fields(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make()


@dataclass(frozen=True)
class Late(WindowRule):
    """Says that a window has ended before its messages came."""

    def deadline(self, opened: float, latest: float) -> float:
        return opened


# Two are too short to matter beside a stamp: float64 has no time between.
@pytest.mark.parametrize(
    "rule", [FirstMessageWindow(1e-9), SessionWindow(1e-9), Late()], ids=repr
)
def test_a_deadline_that_is_not_later_is_refused_and_not_waited_for(
    rule: WindowRule,
) -> None:
    message = (
        f"the deadline of {rule!r} must be later than the latest message "
        "at 1000000000.0 s, got 1000000000.0"
    )
    for decide in (rule.assign, rule.closes, lambda times: one_by_one(rule, times)):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            decide(np.array([1e9, 1e9, 1e9 + 1]))


def test_time_closes_a_window_at_its_end_and_not_before() -> None:
    window = OpenWindow(FirstMessageWindow(300))
    window.add(10.0, "a")
    assert window.advance(math.nextafter(310.0, 0)) == []
    assert window.advance(310.0) == [(10.0, 310.0, ("a",))]


def test_an_open_window_forgets_what_it_closed() -> None:
    window = OpenWindow(FirstMessageWindow(300, max_messages=2))
    assert window.flush(5.0) == []
    assert window.add(10.0, "a") == []
    assert (window.items, window.deadline()) == (["a"], 310.0)
    assert window.add(20.0, "b") == [(10.0, 20.0, ("a", "b"))]
    assert (window.items, window.load, window.deadline()) == ([], 0, math.inf)
    assert window.advance(1e9) == []


def test_an_open_window_takes_nothing_and_closes_nothing_if_its_rule_fails() -> None:
    class Failing(FirstMessageWindow):
        def deadline(self, opened: float, latest: float) -> float:
            if latest == 400.0:
                raise LookupError("no idea")
            return super().deadline(opened, latest)

    window = OpenWindow(Failing(300, max_bytes=10))
    window.add(10.0, "a", 9)
    with pytest.raises(LookupError, match=r"^no idea$"):
        window.add(400.0, "b", 9)
    assert (window.items, window.load, window.deadline()) == (["a"], 9, 310.0)
    assert window.add(401.0, "c") == [(10.0, 310.0, ("a",))]


class TestBytes:
    """A limit on the bytes of a batch; `pack` of a stream, so to speak."""

    rule = FirstMessageWindow(300, max_bytes=10)

    @pytest.mark.parametrize(
        ("sizes", "batch", "closes"),
        [
            ([4, 6, 1], [0, 0, 1], [1, 302]),  # exactly full: closes at once
            ([4, 6, 0], [0, 0, 1], [1, 302]),  # so that even 0 bytes come too late
            ([4, 7, 1], [0, 1, 1], [1, 301]),  # does not fit: closes, opens the next
            ([99, 1, 1], [0, 1, 1], [0, 301]),  # too heavy: alone, and at once
            ([1, 99, 1], [0, 1, 2], [1, 1, 302]),  # closes two batches
            ([0, 0, 0], [0, 0, 0], [300]),
            ([10, 10, 10], [0, 1, 2], [0, 1, 2]),
        ],
    )
    def test_a_batch_closes_when_it_is_full_or_something_does_not_fit(
        self, sizes: list[int], batch: list[int], closes: list[float]
    ) -> None:
        assert self.rule.assign([0, 1, 2], sizes).tolist() == batch
        assert self.rule.closes([0, 1, 2], sizes).tolist() == closes

    @pytest.mark.parametrize("most", [None, 3])
    @pytest.mark.parametrize("length", [60.0, 300.0])
    def test_arrays_agree_with_one_message_at_a_time(
        self, length: float, most: int | None
    ) -> None:
        rule = FirstMessageWindow(length, max_messages=most, max_bytes=10)
        rng = np.random.default_rng(7)
        for times in streams(3000):
            sizes = rng.choice([0, 1, 2, 3, 5, 9, 10, 11], times.size)
            batch, closes = rule.group(times, sizes)
            slow = grouped_one_by_one(rule, times, sizes)
            assert (batch.tolist(), closes.tolist()) == tuple(
                map(np.ndarray.tolist, slow)
            )
            load = np.bincount(batch, sizes) if times.size else np.zeros(0)
            alone = np.bincount(batch) == 1
            assert ((load <= 10) | alone).all()

    def test_sizes_must_be_as_many_as_arrivals(self) -> None:
        message = "sizes must hold one value for each of 2 messages, got 1"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            self.rule.assign([0, 1], [5])

    def test_sums_beyond_int64_are_refused(self) -> None:
        sizes = [2**62] * 3 + [1, 1]
        message = (
            "sizes must add up to at most 2**63 - 1 bytes, got 13835058055282163714"
        )
        for method in (self.rule.assign, self.rule.closes, self.rule.group):
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                method(range(5), sizes)

    @pytest.mark.parametrize("limit", [10, 2**62 + 1, 2**63 - 1])
    def test_large_sums_are_exact(self, limit: int) -> None:
        rule = FirstMessageWindow(300, max_bytes=limit)
        times, sizes = np.arange(5.0), np.array([2**62, 1, 0, 2**62 - 3, 1])
        slow, ends = grouped_one_by_one(rule, times, sizes)
        batch, closes = rule.group(times, sizes)
        assert np.array_equal(batch, slow)
        assert np.array_equal(closes, ends)


class TestCompiled:
    """Long streams take another way, and must come to the same batches."""

    @given(
        steps=st.lists(st.integers(0, 4), min_size=1, max_size=60),
        scale=st.sampled_from([0.1, 1.0, 60.0, 1 / 3]),
        length=st.integers(1, 5),
        most=st.none() | st.integers(1, 4),
    )
    def test_ties_on_a_grid_are_half_open_here_too(
        self, steps: list[int], scale: float, length: int, most: int | None
    ) -> None:
        rule = FirstMessageWindow(length * scale, max_messages=most)
        times = np.cumsum(steps) * scale
        slow, ends = grouped_one_by_one(rule, times, np.zeros(times.size, np.int64))
        starts = first_message_starts(times, rule.length, most or times.size)
        assert np.array_equal(starts, batch_bounds(slow)[0])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mds_sim.stream.windows.COMPILED_FROM", 1)
            batch, closes = rule.group(times)
        assert np.array_equal(batch, slow)
        assert np.array_equal(closes, ends)

    def test_a_message_at_the_end_of_a_window_opens_the_next(self) -> None:
        times = np.repeat(np.arange(COMPILED_FROM // 2), 3) * 100.0
        assert np.array_equal(
            FirstMessageWindow(300.0).assign(times), np.arange(times.size) // 9
        )

    def test_ends_that_are_rounded_down_make_more_batches_than_fit(self) -> None:
        # opened + 1e-3 is a whole ulp or more too early at 1.7e9 s.
        times = 1.7e9 + np.arange(10**5) * 0.0009999275207519531
        rule = FirstMessageWindow(1e-3)
        slow, ends = grouped_one_by_one(rule, times, np.zeros(times.size, np.int64))
        assert ends.size > (times[-1] - times[0]) / rule.length + 2
        batch, closes = rule.group(times)
        assert np.array_equal(batch, slow)
        assert np.array_equal(closes, ends)

    def test_an_array_that_cannot_be_written_to_is_not_compiled_for_once_more(
        self,
    ) -> None:
        rule, times = FirstMessageWindow(300.0), np.arange(2.0 * COMPILED_FROM)
        sizes = no_sizes(times.size)
        rule.bounds(times, sizes)
        n_kinds = len(first_message_starts.signatures)  # type: ignore[attr-defined]
        times.setflags(write=False)
        rule.bounds(times, sizes)
        assert len(first_message_starts.signatures) == n_kinds  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Answering(CountWindow):
    """A user's own that numbers batches itself, in whatever way."""

    answer: Any = None
    n: int = 1

    def assign(self, arrivals: Any, sizes: Any = None) -> Any:
        return self.answer


IN_ORDER = "number batches 0, 1, ... in order and without gaps, but message"
MORE = "; check_window_rule tells more"


@pytest.mark.parametrize(
    ("answer", "kind", "problem"),
    [
        ([2, 2, 6], ValueError, f"{IN_ORDER} 0 got 2 at first{MORE}"),
        ([1, 2, 3], ValueError, f"{IN_ORDER} 0 got 1 at first{MORE}"),
        ([0, 0, 4], ValueError, f"{IN_ORDER} 2 got 4 after 0{MORE}"),
        ([0, 1, 0], ValueError, f"{IN_ORDER} 2 got 0 after 1{MORE}"),
        ([-1, 0, 1], ValueError, f"{IN_ORDER} 0 got -1 at first{MORE}"),
        ([0, 1], TypeError, "return int64 of shape (3,), got int64 of shape (2,)"),
        ([0.0, 0.0, 1.0], TypeError,
         "return int64 of shape (3,), got float64 of shape (3,)"),
        (None, TypeError, "return int64 of shape (3,), got object of shape ()"),
    ],
    ids=repr,
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(
    answer: Any, kind: type[Exception], problem: str
) -> None:
    rule = Answering(answer=answer)
    pipeline = StreamPipeline(TraceArrivals([130, 140, 400]), rule, Constant(1.0))
    message = f"assign of {rule!r} must {problem}"
    for use in (
        lambda: rule.group([130, 140, 400]),
        pipeline.simulate,
        lambda: pipeline.statistics(progress=False),
    ):
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            use()


def test_numbers_may_be_of_any_whole_kind() -> None:
    for answer in ([0, 0, 1], np.array([0, 0, 1], np.uint8)):
        batch, _ = Answering(answer=answer).group([130, 140, 400])
        assert batch.dtype == np.int64
        assert batch.tolist() == [0, 0, 1]


class TestDoorOfAnOpenWindow:
    @pytest.mark.parametrize(
        ("use", "message"),
        [
            (lambda w: w.add(9.0),
             "time must be >= 10.0 s, the latest that was told, got 9.0"),
            (lambda w: w.add(-1.0), "time must be >= 0 and finite s, got -1.0"),
            (lambda w: w.add(math.nan), "time must be >= 0 and finite s, got nan"),
            (lambda w: w.add(math.inf), "time must be >= 0 and finite s, got inf"),
            (lambda w: w.add(20.0, size=-5),
             "size must be >= 0 and finite bytes, got -5"),
            (lambda w: w.add(20.0, size=0.5),
             "size must be whole bytes >= 0, got 0.5"),
            (lambda w: w.flush(1.0),
             "time must be >= 10.0 s, the latest that was told, got 1.0"),
            (lambda w: w.flush(math.nan), "time must be >= 0 and finite s, got nan"),
            (lambda w: w.advance(math.nan), "time must be >= 0 and finite s, got nan"),
            (lambda w: w.advance(-1.0), "time must be >= 0 and finite s, got -1.0"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_changes_nothing(
        self, use: Callable[[OpenWindow], object], message: str
    ) -> None:
        window = OpenWindow(FirstMessageWindow(300))
        window.add(10.0, "a", 7)
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            use(window)
        assert (window.items, window.load, window.deadline()) == (["a"], 7, 310.0)
        assert window.flush(10.0) == [(10.0, 10.0, ("a",))]

    def test_time_that_passed_does_not_come_back(self) -> None:
        window = OpenWindow(FirstMessageWindow(300))
        assert window.advance(50.0) == window.advance(40.0) == []
        message = "time must be >= 50.0 s, the latest that was told, got 45.0"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            window.add(45.0)
        assert window.add(50.0) == []

    def test_sizes_of_other_kinds_are_whole_bytes_too(self) -> None:
        window = OpenWindow(FirstMessageWindow(300))
        window.add(1.0, size=np.int64(3))  # type: ignore[arg-type]
        window.add(1.0, size=1e3)  # type: ignore[arg-type]
        assert window.load == 1003

    @pytest.mark.parametrize(
        ("rule", "got"),
        [(300, "300"), (FirstMessageWindow, "the class FirstMessageWindow: call it")],
    )
    def test_what_is_no_rule_is_refused(self, rule: Any, got: str) -> None:
        message = (
            f"window must be a WindowRule such as FirstMessageWindow(300), got {got}"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            OpenWindow(rule)


@dataclass(frozen=True)
class InKind(WindowRule):
    """A user's own whose deadlines are numbers of any kind."""

    kind: Any

    def deadline(self, opened: float, latest: float) -> Any:
        return self.kind(opened + 300)


@pytest.mark.parametrize("kind", [int, np.int64, np.int32, np.float32, np.float64])
def test_a_deadline_may_be_a_number_of_any_kind(kind: Any) -> None:
    times = np.array([0.0, 299.0, 300.0, 900.0])
    assert InKind(kind).assign(times).tolist() == [0, 0, 1, 2]
    assert InKind(kind).closes(times).tolist() == [300.0, 600.0, 1200.0]


def test_a_float32_is_compared_as_a_float64() -> None:
    # As float32 the message would come at 2**24 too, and not before the deadline.
    class Rounded(WindowRule):
        def deadline(self, opened: float, latest: float) -> Any:
            return np.float32(2.0**24)

    assert OpenWindow(Rounded()).add(2.0**24 - 0.25) == []


def test_a_deadline_is_a_number() -> None:
    message = "the deadline of InKind(kind=<class 'str'>) must be a time [s], got str"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        InKind(str).assign([0.0])


def test_the_bounds_of_no_batch_are_empty() -> None:
    assert [part.size for part in batch_bounds(np.empty(0, np.int64))] == [0, 0, 0]
