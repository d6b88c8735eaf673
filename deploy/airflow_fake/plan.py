"""Plans runs: when a run is made, all states of it and of its tasks are computed, with their times.

Times are seconds since 1970. A task that cannot end, because its pool does not exist, ends at NEVER.
"""

import bisect
import heapq
import random
from typing import NamedTuple

NEVER = 4e9
RETRY_PAUSE = 30


class Timeline:
    """The states of a row, each with the time from which it is visible."""

    __slots__ = ("times", "looks")

    def __init__(self):
        self.times, self.looks = [], []

    def add(self, time, look):
        self.times.append(time)
        self.looks.append(look)

    def at(self, time):
        """The state at that time; None before the first one."""
        index = bisect.bisect_right(self.times, time)
        return self.looks[index - 1] if index else None


class RunLook(NamedTuple):
    state: str
    queued: float
    start: float | None
    end: float | None
    updated: float


class TaskLook(NamedTuple):
    state: str | None = None
    number: int = 0  # of the try
    uuid: str = ""
    scheduled: float | None = None
    queued: float | None = None
    start: float | None = None
    end: float | None = None
    duration: float | None = None
    max_tries: int = 0
    updated: float = 0


class End(NamedTuple):
    """The expected observation of the end of a try; None for values that are not observed."""

    time: float
    state: str
    duration: float | None = None
    queue: float | None = None


class Instance:
    """A task of a run, or one part of a mapped task."""

    __slots__ = ("run", "task", "map_index", "looks", "tries", "ends", "until")

    def __init__(self, run, task, map_index=-1):
        self.run, self.task, self.map_index = run, task, map_index
        self.looks = Timeline()
        self.tries = []  # the last TaskLook of each try that has run
        self.ends = []
        self.until = NEVER  # when its row is removed

    def at(self, time):
        return self.looks.at(time) if time < self.until else None

    def last(self):
        return self.looks.looks[-1]


class Run:
    """A run of a DAG. A cleared run continues under the same id."""

    __slots__ = ("number", "dag", "id", "type", "due", "interval", "looks", "instances", "ends", "clears")

    def __init__(self, number, dag, run_id, run_type, due, interval=None):
        self.number, self.dag, self.id, self.type, self.due = number, dag, run_id, run_type, due
        self.interval = interval
        self.looks = Timeline()
        self.instances = []
        self.ends = []  # RunLook of each end
        self.clears = 0

    def end(self):
        """The planned end."""
        return self.looks.looks[-1].end or NEVER

    def parts(self, task, time=NEVER):
        return [each for each in self.instances if each.task is task and each.until >= time]


def make_uuid(dice, time):
    """A UUID version 7 (RFC 9562), as Airflow 3 makes them: sorted by time."""
    tail = f"{dice.getrandbits(74):019x}"
    text = f"{int(time * 1000):012x}7{tail[:3]}{8 + dice.getrandbits(2):x}{tail[3:18]}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


class Pool:
    """Slots, given to tasks in the order of planning."""

    def __init__(self, name, slots, description=""):
        self.name, self.slots, self.description = name, slots, description
        self.free = [0.0] * max(0, slots)

    def claim(self, earliest, hold):
        """Reserves a slot for `hold` seconds. Returns when it is free."""
        if not self.free:
            return earliest
        time = max(earliest, heapq.heappop(self.free))
        heapq.heappush(self.free, time + hold)
        return time


class Planner:
    """Makes timelines. The same seed, runs and order give the same result."""

    def __init__(self, seed, pools, incidents):
        self.seed, self.incidents = seed, incidents
        self.pools = {pool.name: pool for pool in pools}

    def plan(self, run, at):
        """Plans all of a run that is queued at that time."""
        dice = self.dice(run)
        run.looks.add(at, RunLook("queued", at, None, None, at))
        for task in run.dag.tasks:
            self.add_row(run, task, -1, at, dice)
        self.go_on(run, at, dice)

    def clear(self, run, at):
        """Clears the tasks that did not succeed, or all tasks."""
        run.clears += 1
        dice = self.dice(run)
        everything = dice.random() < 0.3
        run.looks.add(at, RunLook("queued", at, None, None, at))
        for each in run.instances:
            last = each.last()
            if each.until < NEVER or not (everything or last.state != "success" or last.number == 0):
                continue
            each.looks.add(at, last._replace(state=None, uuid=make_uuid(dice, at), updated=at,
                                             max_tries=last.number + each.task.retries))
        self.go_on(run, at, dice)

    def mark(self, run, at, with_tasks):
        """Marks a failed run as success. Its times do not change; in Airflow 2 its tasks are marked, too."""
        run.looks.add(at, run.looks.looks[-1]._replace(state="success", updated=at))
        for each in run.instances:
            if with_tasks and each.last().state == "failed":
                each.looks.add(at, each.last()._replace(state="success", updated=at))

    def dice(self, run):
        return random.Random(f"{self.seed}/{run.dag.id}/{run.id}/{run.clears}")

    @staticmethod
    def add_row(run, task, map_index, at, dice):
        each = Instance(run, task, map_index)
        each.looks.add(at, TaskLook(uuid=make_uuid(dice, at), max_tries=task.retries, updated=at))
        run.instances.append(each)
        return each

    def go_on(self, run, at, dice):
        dag = run.dag
        start = at + dice.uniform(0.5, 4)
        if dag.one_at_a_time:
            start = max(start, dag.free_at + dice.uniform(0.5, 2))
        run.looks.add(start, RunLook("running", at, start, None, start))
        ends = {}  # of the tasks by name, with their states
        for task in dag.tasks:
            ends[task.name] = self.plan_task(run, task, start, ends, dice)
        end = max(time for time, _ in ends.values()) + dice.uniform(0.3, 2)
        dag.free_at = end
        if end >= NEVER:
            return
        has_failed = any(state in ("failed", "upstream_failed") for _, state in ends.values())
        state = "failed" if has_failed else "success"
        updated = end + dice.uniform(0.05, 1)
        look = RunLook(state, at, start, end, updated)
        run.looks.add(updated + dice.uniform(0, 0.5), look)  # visible when the transaction commits
        run.ends.append(look)
        for each in run.instances:  # ends without a time of their own count at the end of the run
            each.ends = [e._replace(time=end) if e.time == NEVER else e for e in each.ends]

    def plan_task(self, run, task, start, ends, dice):
        """Returns when the task ends, and its state."""
        before = [ends[name] for name in task.after]
        ready = max([start, *(time for time, _ in before)])
        parts = run.parts(task)
        waiting = [each for each in parts if each.last().state is None and each.until == NEVER]
        if not waiting:
            states = [each.last().state for each in parts]
            return start, "failed" if "failed" in states else states[0]
        if ready >= NEVER:
            return NEVER, "success"
        states = {state for _, state in before}
        if states & {"failed", "upstream_failed"}:
            return self.pass_over(waiting, "upstream_failed", ready, dice)
        if "skipped" in states:
            return self.pass_over(waiting, "skipped", ready, dice)
        if task.parts:
            waiting = self.expand(run, task, waiting, ready, dice)
            if not waiting:
                return self.pass_over(run.parts(task)[-1:], "skipped", ready, dice)
        results = [self.plan_instance(each, ready, dice) for each in waiting]
        worst = "failed" if any(s == "failed" for _, s in results) else results[0][1]
        return max(time for time, _ in results), worst

    def expand(self, run, task, waiting, ready, dice):
        """Replaces the row of a mapped task by those of its parts; without parts it stays."""
        if waiting[0].map_index >= 0:
            return waiting
        count = dice.randint(*task.parts)
        if count:
            waiting[0].until = ready
        return [self.add_row(run, task, index, ready, dice) for index in range(count)]

    @staticmethod
    def pass_over(waiting, state, ready, dice):
        """Plans tasks that do not run; many of them have no times."""
        time = ready + dice.uniform(0.2, 1)
        has_time = state == "upstream_failed" and dice.random() < 0.5
        for each in waiting:
            last = each.last()
            times = {"start": time, "end": time, "duration": 0.0} if has_time else {
                "start": None, "end": None, "duration": None}
            # A task that never ran shows the same after a clear as before.
            kept = {} if last.number == 0 and len(each.ends) else times
            look = last._replace(state=state, updated=time, **kept)
            each.looks.add(time, look)
            each.ends.append(End(look.end or NEVER, state))
        return time, state

    def plan_instance(self, each, ready, dice):
        task, run = each.task, each.run
        if task.pool not in self.pools:  # waits forever
            each.looks.add(ready + 1, each.last()._replace(
                state="scheduled", number=1, scheduled=ready + 1, queued=None, updated=ready + 1))
            return NEVER, "success"
        for failures in range(task.retries + 1):
            look = self.plan_try(each, ready, dice)
            state = "success"
            if self.incidents.fails(run.dag.id, task.name, look.start) or dice.random() < task.fails:
                state = "failed" if failures == task.retries else "up_for_retry"
            elif dice.random() < task.skips:
                state = "skipped"
            each.looks.add(look.end, look._replace(state=state))
            each.tries.append(look._replace(state="failed" if state == "up_for_retry" else state))
            queue = look.start - look.queued
            observed = (look.duration, queue if queue >= 0 else None) if state != "skipped" else ()
            each.ends.append(End(look.end, state, *observed))
            if state != "up_for_retry":
                return look.end, state
            ready = look.end + RETRY_PAUSE
        raise AssertionError("the last try is never tried again")

    def plan_try(self, each, ready, dice):
        """Plans a try up to its end. Returns its row at the end, without the state."""
        task, last = each.task, each.last()
        scheduled = ready + dice.uniform(0.2, 1)
        seconds = task.seconds * dice.uniform(0.7, 1.4) * self.incidents.slowness(task.pool, ready)
        queue_time = dice.uniform(0.5, 3)
        queued = self.pools[task.pool].claim(scheduled + dice.uniform(0.1, 0.5), queue_time + seconds)
        start = queued + queue_time
        uuid = make_uuid(dice, scheduled) if last.number else last.uuid
        # The times of the previous try stay until this one has its own.
        look = last._replace(state="scheduled", number=last.number + 1, uuid=uuid, scheduled=scheduled,
                             queued=None, updated=scheduled)
        each.looks.add(scheduled, look)
        look = self.queue_and_run(each, look, queued, start)
        stuck_until = self.incidents.stuck_until(each.run.dag.id, task.name, start)
        if task.defers:
            look, end = self.defer(each, look, seconds, dice)
        elif task.pokes:
            look, end = self.poke(each, look, seconds, dice)
        else:
            end = max(start + seconds, stuck_until)
        return look._replace(end=end, duration=round(end - look.start, 6), updated=end)

    @staticmethod
    def queue_and_run(each, look, queued, start):
        look = look._replace(state="queued", queued=queued, updated=queued)
        each.looks.add(queued, look)
        look = look._replace(state="running", start=start, end=None, updated=start)
        each.looks.add(start, look)
        return look

    def defer(self, each, look, seconds, dice):
        """Defers the task to the triggerer. It keeps its start time."""
        deferred = look.start + dice.uniform(1, 3)
        each.looks.add(deferred, look._replace(state="deferred", updated=deferred))
        resumed = self.incidents.alive_at("triggerer", deferred + seconds)
        queued = resumed + dice.uniform(0.3, 1)
        scheduled = look._replace(state="scheduled", scheduled=resumed, updated=resumed)
        each.looks.add(resumed, scheduled)
        started = queued + dice.uniform(0.5, 3)
        back = scheduled._replace(state="queued", queued=queued, updated=queued)
        each.looks.add(queued, back)
        back = back._replace(state="running", updated=started)
        each.looks.add(started, back)
        return back, started + dice.uniform(0.5, 2)

    def poke(self, each, look, seconds, dice):
        """Reschedules a sensor: it checks, releases its slot and runs again with the same number."""
        for _ in range(each.task.pokes):
            paused = look.start + dice.uniform(0.5, 1.5)
            look = look._replace(state="up_for_reschedule", end=paused,
                                 duration=round(paused - look.start, 6), updated=paused)
            each.looks.add(paused, look)
            scheduled = paused + seconds / each.task.pokes
            look = look._replace(state="scheduled", scheduled=scheduled, updated=scheduled)
            each.looks.add(scheduled, look)
            queued = scheduled + dice.uniform(0.1, 0.5)
            look = self.queue_and_run(each, look, queued, queued + dice.uniform(0.5, 3))
        return look, look.start + dice.uniform(0.5, 1.5)
