"""The parts of the solver, each beside something slower or older."""

from itertools import product
from time import thread_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from mds_sim.files import FirstFitDecreasing
from mds_sim.files.instances import falkenauer_uniform, scholl_3, wide
from mds_sim.files.optimal import _clock, _knapsack, _master, _search
from mds_sim.files.optimal._arcflow import flow, graph, intersection
from mds_sim.files.optimal._clock import Clock
from mds_sim.files.optimal._dive import Dive
from mds_sim.files.optimal._master import Master, generate
from mds_sim.files.optimal._pricing import Pricer, whole_worth
from mds_sim.files.optimal._problem import Pattern, Problem, patterns_of
from mds_sim.files.optimal._recreate import recreate
from mds_sim.files.optimal._search import Search

KINDS = st.lists(
    st.tuples(st.integers(1, 20), st.integers(0, 3), st.integers(0, 12)),
    min_size=1,
    max_size=5,
)


def clock() -> Clock:
    return Clock(60.0)


def busy(seconds: float) -> None:
    """Use up CPU time of this thread."""
    end = thread_time() + seconds
    while thread_time() < end:
        pass


def test_a_clock_counts_stages_and_no_compiling() -> None:
    one = Clock(0.2)
    assert not one.is_over()
    one.stage(0.1)
    busy(0.05)
    assert one.is_over()  # the stage is
    one.stage(1.0)
    assert not one.is_over()
    one.compile(lambda: busy(0.3))
    assert not one.is_over()
    assert one.seconds < 0.2
    busy(0.2)
    assert one.is_over()


def test_what_compiles_a_stage_is_called_once() -> None:
    calls = []

    def warm() -> None:
        calls.append(1)

    for _ in range(3):
        Clock(1.0).compile(warm)
    assert calls == [1]


def test_what_begins_a_search_is_compiled_out_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: set[Any] = set()
    monkeypatch.setattr(_clock, "_compiled_already", compiled)
    Search(np.ones(5000, dtype=np.int64), 10, clock())
    Master(Problem(np.array([2, 1]), np.array([1, 1]), 3), clock())
    assert {_search._warm, _master._warm} <= compiled


def test_no_bucket_is_saved_when_time_is_up() -> None:
    """Each would be at once: then no round but the first would look at the clock."""
    ones, bucket = np.ones(6, dtype=np.int64), np.arange(6)
    assert recreate(ones, 10, bucket, 1, Clock(1e-9)).tolist() == bucket.tolist()
    assert recreate(ones, 10, bucket, 1, clock()).max() == 0


def test_a_programme_is_left_unsolved_when_time_is_up() -> None:
    sizes = np.arange(60_000, 20_000, -50)
    problem = Problem.of(sizes, 100_000)
    value = []
    for watch in (Clock(1e-9), None):
        master = Master(problem, watch)
        for i in range(400, 800):
            for j in range(i - 400, i, 40):
                master.add(Pattern(np.array([j, i]), np.array([1, 1])))
        value.append(master.solve())
    assert value[0] > value[1] + 1


def sets(copies: list[int]) -> list[tuple[int, ...]]:
    return list(product(*(range(most + 1) for most in copies)))


@settings(max_examples=150)
@given(kinds=KINDS, capacity=st.integers(1, 60))
def test_all_knapsacks_find_the_same(
    kinds: list[tuple[int, int, int]], capacity: int
) -> None:
    sizes, copies, worth = np.array(kinds, dtype=np.int64).T.copy()
    most = max(
        int(np.dot(chosen, worth))
        for chosen in sets(copies.tolist())
        if np.dot(chosen, sizes) <= capacity
    )
    limit = int(copies @ worth) + 1
    chosen = np.zeros(sizes.size, dtype=np.int64)
    assert _knapsack.most_by_room(sizes, copies, worth, capacity) == most
    assert _knapsack.most_by_worth(sizes, copies, worth, capacity, limit) == most
    assert _knapsack.by_worth(sizes, copies, worth, capacity, limit, chosen) == most
    assert chosen @ worth == most
    found = _knapsack.by_room(sizes, copies, worth / 7, capacity, chosen)
    assert found == pytest.approx(most / 7, rel=1e-12)
    assert chosen @ worth == most
    assert (chosen <= copies).all()
    assert chosen @ sizes <= capacity
    use = np.flatnonzero((worth > 0) & (copies > 0))
    use = use[np.argsort(-worth[use] / sizes[use])]
    part = np.zeros(use.size, dtype=np.int64)
    best, is_sure = _knapsack.by_search(
        sizes[use], copies[use], worth[use] / 7, capacity, 0.0, 10**6, part
    )
    assert is_sure
    assert best == pytest.approx(most / 7, rel=1e-12)
    assert part @ worth[use] == most


def test_a_search_that_is_cut_short_says_so() -> None:
    sizes = np.arange(40, 20, -1)
    copies, chosen = np.full(20, 3), np.zeros(20, dtype=np.int64)
    worth = sizes + 0.5
    _, is_sure = _knapsack.by_search(sizes, copies, worth, 997, 0.0, 5, chosen)
    assert not is_sure


@settings(max_examples=60)
@given(
    kinds=st.dictionaries(
        st.integers(3, 30), st.integers(1, 4), min_size=1, max_size=6
    ),
    capacity=st.integers(30, 60),
)
def test_column_generation_solves_the_linear_programme_over_all_buckets(
    kinds: dict[int, int], capacity: int
) -> None:
    sizes = np.array(sorted(kinds, reverse=True))
    demand = np.array([kinds[size] for size in sizes.tolist()])
    problem = Problem(sizes, demand, capacity)
    columns = np.array(
        [
            chosen
            for chosen in sets(problem.copies(demand).tolist())
            if 0 < np.dot(chosen, sizes) <= capacity
        ]
    )
    truth = linprog(np.ones(len(columns)), A_ub=-columns.T, b_ub=-demand).fun
    bound = generate(Master(problem), demand, np.inf, clock(), exact=True)
    assert bound.is_final
    assert bound.value == pytest.approx(truth, abs=1e-5)
    found = whole_worth(problem, bound.worth, demand.sum(), clock())
    assert found is not None
    value, scale = found
    # No bucket is worth more than the scale, so the bound is below the truth, exactly.
    assert (columns @ value).max() <= scale
    assert value @ demand / scale <= truth + 1e-9
    assert value @ demand / scale >= truth - 1e-2


def test_a_programme_can_be_asked_for_fewer_files_and_brought_back() -> None:
    instance = falkenauer_uniform(120, rng=1)
    problem = Problem.of(instance.sizes, 150)
    master = Master(problem)
    first = generate(master, problem.demand, np.inf, clock(), exact=True)
    root = master.basis.copy()
    fewer = problem.demand // 2
    master.use_demand(fewer)
    assert master.levels().min() > -1e-3  # the basis was repaired
    half = generate(master, fewer, np.inf, clock(), exact=True)
    fresh = generate(
        Master(Problem(problem.sizes, fewer, 150)), fewer, np.inf, clock(), exact=True
    )
    assert half.value == pytest.approx(fresh.value, abs=1e-4)
    master.restore(problem.demand, root)
    again = generate(master, problem.demand, np.inf, clock(), exact=True)
    assert again.value == pytest.approx(first.value, abs=1e-5)


def test_pricing_by_rounded_worth_is_a_bound_that_can_be_refined() -> None:
    instance = scholl_3(60, rng=1)
    problem = Problem.of(instance.sizes, 100_000)
    pricer = Pricer(problem, problem.demand)
    worth = problem.sizes / problem.capacity + 1e-4
    rough = pricer.best(worth, at_once=False)
    assert pricer.refine()
    fine = pricer.best(worth, at_once=False)
    assert rough.worth @ problem.demand <= fine.worth @ problem.demand
    for priced in (rough, fine):
        assert priced.chosen @ problem.sizes <= problem.capacity
        assert priced.chosen @ priced.worth == pytest.approx(priced.most)
        assert (priced.worth <= worth + 1e-12).all()


def packed(sizes: Any, capacity: int) -> tuple[Problem, Any]:
    descending = np.sort(np.asarray(sizes))[::-1].copy()
    bucket = FirstFitDecreasing().assign(descending, capacity)
    return Problem.of(descending, capacity), (descending, bucket)


def assert_packs(problem: Problem, patterns: list[Pattern], target: int) -> None:
    left = problem.demand.copy()
    for pattern in patterns:
        assert problem.sizes[pattern.row] @ pattern.count <= problem.capacity
        left[pattern.row] -= pattern.count
    assert not left.any()
    assert len(patterns) <= target


def test_recreate_saves_buckets_and_keeps_every_file() -> None:
    instance = falkenauer_uniform(500, rng=1)
    _, (sizes, bucket) = packed(instance.sizes, 150)
    better = recreate(sizes, 150, bucket, 0, clock(), rounds=2000)
    assert better.max() < bucket.max()
    load = np.bincount(better, weights=sizes)
    assert load.max() <= 150
    assert load.min() > 0
    assert np.array_equal(recreate(sizes, 150, bucket, 0, clock(), 2000), better)


def test_a_dive_reaches_the_bound() -> None:
    problem, (_, bucket) = packed(wide(160, rng=3).sizes, 1000)
    master = Master(problem)
    for pattern in patterns_of(np.repeat(range(problem.sizes.size), problem.demand),
                               bucket):  # fmt: skip
        master.add(pattern)
    bound = generate(master, problem.demand, np.inf, clock())
    target = int(np.ceil(bound.value - 1e-6))
    found = Dive(master, master.basis.copy(), target, clock()).run(restarts=20)
    assert found is not None
    assert_packs(problem, found, target)


def test_a_dive_finds_nothing_where_there_is_nothing() -> None:
    problem = Problem.of(np.array([6, 6, 6]), 10)
    master = Master(problem)
    generate(master, problem.demand, np.inf, clock())
    assert Dive(master, master.basis.copy(), 2, clock()).run(restarts=3) is None


class TestArcFlow:
    @settings(max_examples=60)
    @given(
        sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8),
        capacity=st.integers(12, 20),
        target=st.integers(1, 6),
    )
    def test_it_finds_a_packing_exactly_where_there_is_one(
        self, sizes: list[int], capacity: int, target: int
    ) -> None:
        from mds_sim.files.optimal import Optimal

        problem = Problem.of(np.array(sizes), capacity)
        fewest = Optimal().solve(sizes, capacity).n_buckets
        if sum(sizes) > target * capacity:
            return
        arcs = graph(problem, problem.sizes, problem.capacity, target)
        assert arcs is not None
        answer, found = flow(problem, arcs, target, 60.0)
        assert answer == ("found" if fewest <= target else "none")
        if answer == "found":
            assert_packs(problem, found, target)

    def test_worths_leave_arcs_out_and_never_those_of_a_packing(self) -> None:
        problem = Problem.of(np.array([7, 7, 5, 5, 3, 3]), 10)
        bytes_ = (problem.sizes, 10)
        every = graph(problem, np.zeros(3, np.int64), 1, 3)
        full = graph(problem, *bytes_, 3)
        assert every is not None
        assert full is not None
        assert full.tail.size < every.tail.size
        both = intersection(problem, [(np.zeros(3, np.int64), 1), bytes_], 3)
        assert both is not None
        assert both.tail.size == full.tail.size
        answer, found = flow(problem, both, 3, 60.0)
        assert answer == "found"
        assert_packs(problem, found, 3)

    def test_each_copy_of_a_size_is_a_table(self) -> None:
        """Two sizes only, but 2,000 tables of a million cells: 16 GB."""
        problem = Problem(np.array([1009, 1000]), np.array([1000, 1000]), 10**6)
        assert graph(problem, problem.sizes, 10**6, 3) is None

    def test_too_large_a_graph_is_not_built(self) -> None:
        problem = Problem(np.array([2, 1]), np.array([1, 1]), 10**9)
        assert graph(problem, problem.sizes, 10**9, 1) is None
