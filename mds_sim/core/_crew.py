"""The workers of a pool at work: who does which task when, and what follows.

`WorkerPool` is the door; here is what happens behind it. A task waits in the queue, is
given to a worker, is tried, perhaps tried again, and leaves its facts.
"""

from __future__ import annotations

import heapq
import math
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from mds_sim import _validate
from mds_sim.rng import as_generator

from ._job import Job, TaskFuture
from ._lines import Line
from .backends import (
    Backend,
    OutOfTimeError,
    Threads,
    Worker,
    WorkerCrashError,
    WorkerDiedError,
)
from .clock import Clock, ClockThread, WallClock
from .insights import WorkerInfo
from .retry import Retry, as_retry
from .task import Task, TaskRecord, describe, note


class Member:
    """A thread of the pool, how it gets tasks done, and the task that it has."""

    __slots__ = ("asked", "given", "has_news", "is_left", "is_ready", "job", "number",
                 "ready", "thread", "worker")  # fmt: skip

    def __init__(self, number: int, worker: Worker, asked: float) -> None:
        self.number = number
        self.worker = worker
        self.asked = asked
        self.ready = math.nan
        self.is_ready = False
        self.thread: ClockThread | None = None
        self.given: Job | None = None  # None: go home
        self.has_news = False
        self.job: Job | None = None
        self.is_left = False  # alone with a task that takes too long


class Crew:
    """The queue of a pool, its workers, and what is known of its tasks.

    Parameters
    ----------
    size : int
        Most workers at a time.
    clock : Clock
    backend : Backend
        What the workers are.
    retry : Retry
    timeout : float or None
        Of tasks that say nothing else [s].
    name : str
        What workers are called, before their numbers.
    rng : numpy.random.Generator or None
        Chance of the waits before another attempt.
    opened, ended : callable
        Called when a worker was started that is more than a thread, and when the
        last thread has gone home.
    """

    _new_line: Callable[[], Line] = deque  # first in, first out

    def __init__(
        self,
        size: int,
        clock: Clock,
        backend: Backend,
        retry: Retry,
        timeout: float | None,
        name: str,
        rng: np.random.Generator | None,
        opened: Callable[[], object],
        ended: Callable[[], object],
    ) -> None:
        self._size = size
        self._clock = clock
        self._backend = backend
        self._retry = retry
        self._timeout = timeout
        self._label = name
        self._rng = rng
        self._opened = opened
        self._ended = ended
        # Two events of the real world share no instant: no tie is to be broken.
        self._is_real = isinstance(clock, WallClock)
        self._is_plain = isinstance(backend, Threads)  # tasks are done right here
        self._lock = threading.RLock()
        # A task that is done leaves its facts only, not its result.
        self._tasks: list[Job | tuple[Any, ...]] = []
        self._pending = self._new_line()
        self._resting: set[Job] = set()  # between two attempts
        self._drains: list[Future[None]] = []  # done when nothing is unfinished
        # A heap of (idle since, number): the tie rule of the simulation.
        self._idle: list[tuple[float, int]] = []
        self._staff: dict[int, Member] = {}
        self._known: dict[int, Member] = {}  # the first of each number
        self._at_work = 0  # threads that have not gone home
        self._here = threading.local()  # has `worker` in the threads of this crew
        self._interrupted: Future[None] = Future()  # done after a Ctrl-C
        self.unfinished = 0
        self.is_closed = False
        self._is_final = False  # no attempt follows another one any more

    def __len__(self) -> int:
        return len(self._tasks)

    def submit(self, task: Task) -> TaskFuture:
        """Take a task into the queue."""
        with self._lock:
            if self.is_closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            job = Job(len(self._tasks), task, self._clock.time(), self._clock)
            self._pending.append(job)
            self._tasks.append(job)
            self.unfinished += 1
            if self._is_real and not self._idle and len(self._staff) == self._size:
                return job.future  # whoever is done first will take it
            try:
                self._clock.call_soon(self._dispatch)
            except BaseException:
                if job in self._pending:  # no worker has it
                    self._pending.remove(job)
                    self._tasks.pop()
                    self.unfinished -= 1
                raise
        return job.future

    def drained(self) -> Future[None]:
        """Return a future that is done when all tasks are."""
        if hasattr(self._here, "worker"):
            raise RuntimeError("a task must not wait for its own pool, nor for itself")
        done: Future[None] = Future()
        with self._lock:
            if self.unfinished:
                self._drains.append(done)
            else:
                done.set_result(None)
        return done

    def close(self, cancel: bool) -> None:
        """Take no more tasks; cancel those that no worker has, if asked."""
        with self._lock:
            self.is_closed = True
            self._is_final |= cancel
            waiting = list(self._pending) if cancel else []
            resting = list(self._resting) if cancel else []
            self._resting.difference_update(resting)
            idle = len(self._idle)
            is_empty = not self._at_work
        for job in waiting:
            job.future.cancel()
        for job in resting:
            job.end_rest()
            self._complete(job)
        for _ in range(max(idle, 1)):
            self._clock.call_soon(self._dispatch)
        if is_empty and not self._at_work:
            self._backend.close()

    def interrupt(self) -> None:
        """Let nobody rest any more: a Ctrl-C came."""
        if not self._interrupted.done():
            self._interrupted.set_result(None)

    def threads(self) -> list[ClockThread]:
        """Return the threads of all workers."""
        with self._lock:
            members = list(self._staff.values())
        return [member.thread for member in members if member.thread is not None]

    def records(self) -> tuple[TaskRecord, ...]:
        """Return one record for each task, in the order of submission."""
        with self._lock:
            tasks = list(self._tasks)
        return tuple(
            TaskRecord(*task) if isinstance(task, tuple) else task.record()
            for task in tasks
        )

    def workers(self) -> tuple[WorkerInfo, ...]:
        """Tell when each worker was asked for and ready."""
        with self._lock:
            known = sorted(self._known.items())
        return tuple(
            WorkerInfo(number, self._name(member), member.asked, member.ready)
            for number, member in known
        )

    def _dispatch(self) -> None:
        """Give the first pending task to a worker, or send one home at the end.

        One call for each task that comes and each worker that becomes idle is
        enough. One task a call: on a `VirtualClock` a worker that is done within
        the instant is idle again before the next task is given away.
        """
        with self._lock:
            self._drop_cancelled()
            member = self._next_member()
            if member is None:
                return
            member.given = self._take(member)
            member.has_news = True
        member.thread.unpark()  # type: ignore[union-attr]  # it has one by now

    def _take(self, member: Member) -> Job | None:
        """Take the first task out of the line that this worker may do, if any."""
        return self._pending.popleft() if self._pending else None

    def _next_member(self) -> Member | None:
        """Return a new worker, else the one that has been idle longest, if any."""
        if self._pending and len(self._staff) < self._size:
            try:
                return self._engage(range(self._size))
            except RuntimeError:
                if not self._staff:
                    raise
                # The system has no more threads: those that there are do the work.
        if self._idle and (self._pending or (self.is_closed and not self._resting)):
            return self._staff[heapq.heappop(self._idle)[1]]
        return None

    def _engage(self, numbers: range) -> Member:
        """Start a worker with the lowest of these numbers that is free."""
        number = next(i for i in numbers if i not in self._staff)
        member = Member(number, self._backend.worker(), self._clock.time())
        if self._backend.is_remote:
            self._opened()
        name = f"{self._label}-{number}"
        member.thread = self._clock.spawn(lambda: self._work(member), name)
        self._staff[number] = member
        self._known.setdefault(number, member)
        self._at_work += 1
        return member

    def _drop_cancelled(self) -> None:
        """Take tasks that were cancelled while they waited out of the queue."""
        while self._pending and self._pending[0].future.cancelled():
            job = self._pending.popleft()
            job.future.set_running_or_notify_cancel()
            self._settle(job)

    def _work(self, member: Member) -> None:
        """Do what a worker does: take a task, do it, be idle, until sent home."""
        self._here.worker = member.number
        with self._lock:
            thread = member.thread
        assert thread is not None
        try:
            while not member.is_left:
                while not member.has_news:
                    thread.park()
                job, member.given, member.has_news = member.given, None, False
                if job is None:
                    return
                while job is not None:
                    self._run(job, member)
                    # An idle worker keeps no result alive: `job` is None then.
                    job = self._next(member)
        finally:
            try:
                member.worker.close()
            finally:
                self._leave(member)

    def _next(self, member: Member) -> Job | None:
        """Return the next task for a worker; without one it is idle."""
        with self._lock:
            if member.is_left:
                return None
            # On a real clock nobody who may do what waits has been idle longer.
            if self._is_real and (job := self._take(member)) is not None:
                return job
            heapq.heappush(self._idle, (self._clock.time(), member.number))
            if self._is_real and not self.is_closed:
                return None
        self._clock.call_soon(self._dispatch)
        return None

    def _leave(self, member: Member) -> None:
        """Note that a thread has ended; the last one closes what is left."""
        if member.is_left:
            return
        with self._lock:
            self._at_work -= 1
            if self._at_work or not self.is_closed:
                return
        try:
            self._backend.close()
        finally:
            self._ended()

    def _run(self, job: Job, member: Member) -> None:
        """Make an attempt at a task, and do what follows from it."""
        if not job.is_begun and not job.future.set_running_or_notify_cancel():
            self._settle(job)
            return
        job.is_begun = True
        job.worker = member.number
        job.tries += 1
        try:
            if not member.is_ready:
                self._open(member)
            task = job.task
            limit = self._timeout if task.timeout is None else task.timeout
            job.started = self._clock.time()
            if self._is_plain and limit is None and task.service_time is None:
                result = task.execute()
            else:
                result = self._execute(job, member, limit)
        except BaseException as error:
            if not member.is_left:
                self._fail(job, member, error)
        else:
            if not member.is_left:
                self._succeed(job, result)

    def _open(self, member: Member) -> None:
        """Get a worker ready, which may start a process."""
        member.worker.open()
        member.ready, member.is_ready = self._clock.time(), True

    def _execute(self, job: Job, member: Member, limit: float | None) -> Any:
        """Do the work; if it takes less than its service time, wait for the rest."""
        if limit is not None:
            limit = _validate.positive("timeout", limit, "s")
            if not member.worker.watches:
                self._watch(job, member, limit)
        try:
            return self._perform(job, member, limit)
        finally:
            least = job.task.service_time
            if least is not None:
                least = _validate.non_negative("service_time", least, "s")
                self._rest(job.started + least)
            with self._lock:
                member.job = None

    def _watch(self, job: Job, member: Member, limit: float) -> None:
        """See to it that nobody waits for a task longer than `limit`."""
        member.job = job
        late = partial(self._give_up, weakref.ref(job), member, job.tries, limit)
        self._clock.call_at(job.started + limit, late)

    def _perform(self, job: Job, member: Member, limit: float | None) -> Any:
        """Let the worker do it, and do it again if that is the end of the worker."""
        speed = getattr(self._clock, "speed", 1.0)
        real = None if limit is None else limit / speed
        while True:
            try:
                return member.worker.perform(job.task, real, alone=job.crashes > 0)
            except OutOfTimeError:
                raise self._too_late(job, limit) from None
            except WorkerDiedError as death:
                job.crashes += 1
                most = job.task.max_crashes
                if job.crashes >= most:
                    times = f" {most} times" * (most > 1)
                    what = f"{job.title} ended its worker{times}: {death}"
                    raise WorkerCrashError(what) from death
                job.failed(death, self._clock.time())
                job.started = self._clock.time()

    def _too_late(self, job: Job, limit: float | None) -> TimeoutError:
        """Return the error of a task that took too long."""
        return TimeoutError(f"{job.title} took longer than its timeout of {limit:g} s")

    def _give_up(
        self, ref: weakref.ref[Job], member: Member, tries: int, limit: float
    ) -> None:
        """Leave a thread alone with a task that takes too long."""
        job = ref()
        with self._lock:
            if job is None or member.job is not job or job.tries != tries:
                return
            member.is_left = True
            del self._staff[member.number]
            self._at_work -= 1
        self._fail(job, member, self._too_late(job, limit))
        self._clock.call_soon(self._dispatch)  # another worker may take its place

    def _rest(self, until: float) -> None:
        """Wait until the service time is over; on a wall clock, or for a Ctrl-C."""
        if isinstance(self._clock, WallClock):  # time that nobody really has to wait
            self._clock.wait(self._interrupted, until - self._clock.time())
            if self._interrupted.done():
                return
        self._clock.sleep_until(until)

    def _fail(self, job: Job, member: Member, error: BaseException) -> None:
        """Note an error; complete the task with it, or plan another attempt."""
        job.finished = self._clock.time()
        job.error = error
        again = False
        try:
            given = job.task.retry
            retry = self._retry if given is None else as_retry(given)
            note(error, self._told(job, member, retry))
            if not isinstance(error, WorkerCrashError):
                again = retry.wants(error, job.tries) and self._plan(job, retry, error)
        except BaseException as problem:  # whatever a retry does, the task has an end
            note(error, f"it cannot be tried again: {describe(problem)}")
        if not again:
            self._complete(job)

    def _told(self, job: Job, member: Member, retry: Retry) -> str:
        """Return what an error says of its task."""
        tries = f"attempt {job.tries} of {retry.attempts}, " * (retry.attempts > 1)
        return f"{job.title} {tries}{self._name(member)}"

    def _plan(self, job: Job, retry: Retry, error: BaseException) -> bool:
        """Plan another attempt, unless nobody is there to make one any more."""
        if self._rng is None:
            self._rng = as_generator()
        with self._lock:
            if self._is_final or self._interrupted.done():
                return False
            due = job.finished + retry.delay(job.tries, self._rng)
            job.rest(error)
            self._resting.add(job)
        self._clock.call_at(due, partial(self._try_again, job))
        return True

    def _try_again(self, job: Job) -> None:
        """Put a task into the queue once more."""
        with self._lock:
            if job not in self._resting:
                return
            self._resting.remove(job)
            self._pending.append(job)
        self._clock.call_soon(self._dispatch)

    def _succeed(self, job: Job, result: Any) -> None:
        """Give the owner the result, and keep the record of the task."""
        job.finished = self._clock.time()
        job.error = None
        with _reported():
            job.future.set_result(result)
        self._settle(job)

    def _complete(self, job: Job) -> None:
        """Give the owner the error, and keep the record of the task."""
        with _reported():
            job.future.set_exception(job.error)
        self._settle(job)

    def _settle(self, job: Job) -> None:
        """Keep the facts of a task only, and say so if it was the last one."""
        with self._lock:
            self._tasks[job.index] = job.settle()
            self.unfinished -= 1
            if self.unfinished:
                return
            drains, self._drains = self._drains, []
            idle = len(self._idle) if self.is_closed else 0
            is_over = self.is_closed and not self._at_work
        if is_over:  # the last thread was left alone, and may never end
            self._backend.close()
        for done in drains:
            done.set_result(None)
        for _ in range(idle):
            self._clock.call_soon(self._dispatch)

    def _name(self, member: Member) -> str:
        """Return what a worker is called."""
        label = member.worker.label
        return f"{self._label}-{member.number}" + (f" ({label})" if label else "")


@contextmanager
def _reported() -> Iterator[None]:
    """Report what a callback of a future raises; the worker has other tasks to do."""
    try:
        yield
    except BaseException:
        threading.excepthook(
            threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
        )
