"""A deployment of any size for benchmarks, whose rows are computed on request.

Run n belongs to DAG n mod N. Its due time and its end follow from n alone, in the order of n, so that live
runs, changed runs and runs that are due in an interval are intervals of n.
"""

import collections
import datetime
import math

from airflow_fake.plan import End, Instance, Pool, Run, RunLook, TaskLook
from airflow_fake.scenario import Asset, Dag, Incidents, Task
from airflow_fake.world import COMPONENTS, HEALTHY_FOR, HEARTBEAT, LIVE_RUNS, iso

TASKS = tuple(Task(name, after=after, pool="default_pool") for name, after in (
    ("extract", ()), ("transform", ("extract",)), ("load", ("transform",)), ("check", ("load",))))
RETRIED_OF, FAILED_OF = 10, 40  # one of this many runs has a retry, or fails
TRIES_OF_RUN = len(TASKS) + 1 / RETRIED_OF


class Numbers:
    """The runs of an interval of n, each made when it is read."""

    def __init__(self, load, numbers):
        self.load, self.numbers = load, numbers

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return Numbers(self.load, self.numbers[index])
        return self.load.run(self.numbers[index])

    def __iter__(self):
        return map(self.load.run, self.numbers)


class Load:
    """Has the interface of World for the API."""

    def __init__(self, start, version, dags=5000, live_runs=500, tries_per_second=200, tasks=1_000_000):
        self.start = self.now = start
        self.version, self.is_v1 = version, version.startswith("2.")
        self.rate = tries_per_second / TRIES_OF_RUN  # runs a second
        self.takes = live_runs / self.rate  # duration of a run in seconds
        self.history = tasks // len(TASKS)  # runs
        self.dags = {f"load_{n:05}": Dag(f"load_{n:05}", 0, *TASKS, tags=("load",),
                                         file=f"load_{n // 10:04}.py")
                     for n in range(dags)}
        self.order = list(self.dags.values())
        self.first_due = start - self.takes - self.history / self.rate
        self.pools, self.assets, self.events = [Pool("default_pool", 128)], [Asset("s3://lake/load")], []
        self.incidents = Incidents(start)
        self.plans = collections.OrderedDict()  # the most recently used runs
        self.most_plans = 3 * live_runs

    def advance(self, now):
        self.now = max(self.now, now)

    def settle(self):
        raise NotImplementedError("a load goes on")

    def due(self, number):
        return round(self.first_due + number / self.rate, 6)

    def number_at(self, due):
        """The number of the first existing run that is due then or later."""
        if math.isinf(due):
            return self.next_number() if due > 0 else 0
        return min(max(0, math.ceil((due - self.first_due) * self.rate)), self.next_number())

    def next_number(self):
        return math.floor((self.now - self.first_due) * self.rate) + 1

    def ended(self, number):
        return self.due(number) + self.takes

    def run(self, number):
        """The whole run as planned."""
        if number in self.plans:
            self.plans.move_to_end(number)
            return self.plans[number]
        run = self.plans[number] = self.plan(number)
        if len(self.plans) > self.most_plans:
            self.plans.popitem(last=False)
        return run

    def plan(self, number):
        due = self.due(number)
        dag = self.order[number % len(self.order)]
        run = Run(number, dag, f"manual__{iso(due)}", "manual", due, (due, due))
        step = self.takes / (len(TASKS) + 1)
        run.looks.add(due, RunLook("queued", due, None, None, due))
        run.looks.add(due + step / 2, RunLook("running", due, due + step / 2, None, due + step / 2))
        fails = number % FAILED_OF == 0
        for index, task in enumerate(TASKS):
            state = "failed" if fails and index == len(TASKS) - 1 else "success"
            self.plan_task(Instance(run, task), due, due + (index + 0.5) * step, step,
                           state, number % RETRIED_OF == 5 and index == 1)
        end = self.ended(number)
        look = RunLook("failed" if fails else "success", due, due + step / 2, end, end)
        run.looks.add(end, look)
        run.ends.append(look)
        return run

    def plan_task(self, each, due, ready, step, state, has_retry):
        """Plans a task that takes the time of a step, with a retry in the middle if it has one."""
        number, run = 1, each.run
        run.instances.append(each)
        each.looks.add(due, TaskLook(uuid=self.uuid(run.number, len(run.instances), 1), max_tries=1,
                                     updated=due))
        length = step / 2 if has_retry else step
        for begin in (ready, ready + length) if has_retry else (ready,):
            scheduled, queued, start = begin, begin + length * 0.1, begin + length * 0.2
            end = begin + length * 0.9
            uuid = self.uuid(run.number, len(run.instances), number)
            look = each.last()._replace(state="scheduled", number=number, uuid=uuid, scheduled=scheduled,
                                        updated=scheduled)
            each.looks.add(scheduled, look)
            each.looks.add(queued, look := look._replace(state="queued", queued=queued, updated=queued))
            each.looks.add(start, look := look._replace(state="running", start=start, end=None,
                                                        updated=start))
            says = "up_for_retry" if has_retry and number == 1 else state
            look = look._replace(end=end, duration=round(end - start, 6), updated=end)
            each.looks.add(end, look._replace(state=says))
            each.tries.append(look._replace(state="failed" if says == "up_for_retry" else says))
            each.ends.append(End(end, says, look.duration, start - queued))
            number += 1

    @staticmethod
    def uuid(number, task, try_number):
        """In the order of runs."""
        text = f"{number:012x}7{task:03x}8{try_number:03x}000000000000"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"

    # What the API asks

    def select_runs(self, wanted):
        """Bounds of due times, and of changes of finished runs, become bounds of n. With any other filter
        each run is checked."""
        low, high = 0, self.next_number()
        finished = self.number_at(self.now - self.takes)
        is_live, is_finished = wanted.states >= LIVE_RUNS, wanted.states >= {"success", "failed"}
        bounded = {"run_after"} if is_live else {"run_after", "updated_at"}
        if is_finished == is_live or wanted.dag_id or not wanted.ranges.keys() <= bounded:
            return [run for run in Numbers(self, range(high)) if wanted.accepts_run(run, self.now)]
        low, high = (finished, high) if is_live else (low, finished)
        for field, delay in (("updated_at", self.takes), ("run_after", 0)):
            if field in wanted.ranges:
                since, until = wanted.ranges[field]
                low = max(low, self.number_at(since - delay))
                high = min(high, self.number_at(until - delay + 1e-6))
        return Numbers(self, range(low, max(low, high)))

    def runs_with_live_tasks(self):
        return Numbers(self, range(self.number_at(self.now - self.takes), self.next_number()))

    def runs_of(self, dag_ids, run_ids):
        if run_ids is None:
            return [run for run in Numbers(self, range(self.next_number()))
                    if dag_ids is None or run.dag.id in dag_ids]
        found = (self.find_run(None, run_id) for run_id in run_ids)
        return [run for run in found if run and (dag_ids is None or run.dag.id in dag_ids)]

    def find_run(self, dag_id, run_id):
        """The id contains the time at which the run was due."""
        try:
            due = datetime.datetime.fromisoformat(run_id.partition("__")[2]).timestamp()
        except ValueError:
            return None
        number = round((due - self.first_due) * self.rate)
        run = self.run(number) if 0 <= number < self.next_number() else None
        return run if run and run.id == run_id and dag_id in (None, run.dag.id) else None

    def runs_ended_since(self, since):
        return Numbers(self, range(self.number_at(since - self.takes), self.next_number()))

    def last_runs(self):
        finished = self.number_at(self.now - self.takes)
        return Numbers(self, range(max(0, finished - len(self.order)), finished))

    @property
    def live(self):
        return {run.number: run for run in self.runs_with_live_tasks()}

    def slots(self):
        used = dict.fromkeys(("running", "queued", "scheduled", "deferred"), 0)
        for run in self.runs_with_live_tasks():
            for each in run.instances:
                state = each.at(self.now).state
                if state in used:
                    used[state] += 1
        return {"default_pool": used}

    def is_stale(self, _dag):
        return False

    has_import_errors = is_stale

    def last_parsed(self, _dag):
        return self.now - self.now % 30

    def import_errors(self):
        return iter(())

    dag_warnings = import_errors

    def heartbeat(self, _component):
        return self.now - self.now % HEARTBEAT

    def is_alive(self, beat):
        return self.now - beat <= HEALTHY_FOR

    def jobs(self):
        return [(component, self.start - 86400, self.heartbeat(component)) for component in COMPONENTS]
