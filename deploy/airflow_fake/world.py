"""A simulated deployment of Airflow: the contents of its database at a time."""

import bisect
import datetime
import heapq
import itertools
import random

from airflow_fake import scenario
from airflow_fake.plan import NEVER, Planner, Run

LIVE_RUNS = frozenset(("queued", "running"))
KEPT = 48 * 3600  # how long finished runs are kept
CHANGED_AFTER = 25 * 60  # how long after its end a run is cleared or marked
HEARTBEAT, PARSE = 5, 30
HEALTHY_FOR = 30  # seconds after a heartbeat
COMPONENTS = ("scheduler", "triggerer", "dag_processor")


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


class World:
    """The runs of a scenario. advance() moves time; the other methods return what the API needs."""

    def __init__(self, start, version="3.3", seed=1, past=26 * 3600, dags=None, incidents=None):
        self.start, self.now, self.version, self.seed = start, start - past, version, seed
        self.is_v1 = version.startswith("2.")
        self.dags = {dag.id: dag for dag in dags or scenario.dags()}
        self.pools = scenario.pools()
        self.assets = scenario.ASSETS
        self.incidents = incidents or scenario.incidents(start)
        self.planner = Planner(seed, self.pools, self.incidents)
        self.accepts = True  # whether new runs are made
        self.runs = {}  # by DAG and id
        self.live = {}  # by number
        self.changed = []  # (time of the change, number) of runs that had ended by then
        self.by_number = {}
        self.events = []  # of assets: (time, number, URI, instance that wrote, run that it triggered)
        self.agenda, self.order, self.numbers = [], itertools.count(), itertools.count(1)
        self.begin()
        self.advance(start)

    def begin(self):
        for dag in self.dags.values():
            if dag.every and not dag.paused:
                self.at(dag.next_due(self.now), self.scheduled, dag)
        for dag_id, kind, window in scenario.TRIGGERS:
            if dag_id in self.dags:
                first = self.start + window.first
                first += max(0, (self.now - first) // window.every + 1) * window.every
                self.at(first, self.triggered, self.dags[dag_id], kind, window.every)

    def at(self, when, what, *arguments):
        heapq.heappush(self.agenda, (when, next(self.order), what, arguments))

    def advance(self, now):
        """Executes everything that happens until `now`."""
        while self.agenda and self.agenda[0][0] <= now:
            self.now, _, what, arguments = heapq.heappop(self.agenda)
            what(*arguments)
        self.now = max(self.now, now)

    def settle(self):
        """Makes and changes no more runs; live ones come to their ends."""
        self.accepts = False

    # What happens

    def is_gone(self, dag):
        return dag.gone is not None and self.now >= self.start + dag.gone

    def scheduled(self, dag):
        due = self.now
        self.at(dag.next_due(due), self.scheduled, dag)
        is_broken = not self.is_v1 and self.incidents.is_broken(dag.file, due)
        if not self.accepts or self.is_gone(dag) or is_broken:
            return
        began = due - dag.every
        logical = began if self.is_v1 else due
        run = self.make(dag, f"scheduled__{iso(logical)}", "scheduled", due, (began, due))
        self.at(due + self.dice(run).uniform(0.3, 3), self.queued, run)

    def triggered(self, dag, kind, every):
        self.at(self.now + every, self.triggered, dag, kind, every)
        if not self.accepts:
            return
        due = self.now
        if kind == "backfill":  # of a day in the past
            number = round((self.now - self.start) / every)
            due = dag.next_due(self.start - (10 + number % 1000) * 86400)
        run = self.make(dag, f"{kind}__{iso(due)}", kind, due, (due, due))
        self.queued(run)

    def make(self, dag, run_id, kind, due, interval):
        return Run(next(self.numbers), dag, run_id, kind, due, interval)

    def dice(self, run):
        return random.Random(f"{self.seed}/world/{run.dag.id}/{run.id}/{run.clears}")

    def queued(self, run):
        self.runs[run.dag.id, run.id] = self.by_number[run.number] = run
        self.live[run.number] = run
        self.planner.plan(run, self.now)
        self.expect(run)

    def expect(self, run):
        """Schedules the effects of the run's tasks on others, and the run's end."""
        for each in run.instances:
            writes = each.task.outlet and each.tries and each.last().state == "success"
            if writes and each.last().end > self.now:  # not again for a task that did not run again
                self.at(each.last().end, self.wrote, each)
        if run.end() < NEVER:
            self.at(run.looks.times[-1], self.ended, run)

    def wrote(self, instance):
        consumer = None
        for dag in self.dags.values():
            if dag.asset == instance.task.outlet and self.accepts:
                due = self.now
                kind = "dataset_triggered" if self.is_v1 else "asset_triggered"
                consumer = self.make(dag, f"{kind}__{iso(due)}", "asset", due, (due, due))
                self.at(due + 0.1, self.queued, consumer)
        self.events.append((self.now, next(self.numbers), instance.task.outlet, instance, consumer))

    def ended(self, run):
        del self.live[run.number]
        self.note_change(run)
        self.at(self.now + KEPT, self.forgotten, run, run.clears)
        dice = self.dice(run)
        later = self.now + CHANGED_AFTER * dice.uniform(1, 2)
        if run.looks.looks[-1].state == "failed" and run.clears < 2:
            what = dice.choices((self.cleared, self.marked, None), (4, 2, 4))[0]
            if what:
                self.at(later, what, run)

    def note_change(self, run):
        bisect.insort(self.changed, (run.looks.looks[-1].updated, run.number))

    def cleared(self, run):
        if self.accepts:
            self.live[run.number] = run
            self.planner.clear(run, self.now)
            self.expect(run)

    def marked(self, run):
        if self.accepts:
            self.planner.mark(run, self.now, with_tasks=self.is_v1)
            self.note_change(run)

    def forgotten(self, run, clears):
        if run.clears != clears:
            return
        del self.runs[run.dag.id, run.id], self.by_number[run.number]
        horizon = self.now - KEPT
        self.changed = self.changed[bisect.bisect_left(self.changed, (horizon,)):]
        self.events = self.events[bisect.bisect_left(self.events, (horizon,)):]

    # What the API asks

    def select_runs(self, wanted):
        """The runs that match a filter, by number."""
        if wanted.states and LIVE_RUNS.issuperset(wanted.states):
            found = self.live.values()
        elif wanted.states and LIVE_RUNS.isdisjoint(wanted.states) and "updated_at" in wanted.ranges:
            low, high = wanted.ranges["updated_at"]
            some = self.changed[bisect.bisect_left(self.changed, (low,)):
                                bisect.bisect_right(self.changed, (high, NEVER))]
            found = [self.by_number[number] for number in {number for _, number in some}
                     if number in self.by_number]
        else:
            found = self.runs.values()
        found = [run for run in found if wanted.accepts_run(run, self.now)]
        return sorted(found, key=lambda run: run.number)

    def runs_of(self, dag_ids, run_ids):
        """The runs of these DAGs with these ids; None means any."""
        if dag_ids is not None and run_ids is not None:
            found = [self.runs.get((dag, run)) for dag in dag_ids for run in run_ids]
            return [run for run in found if run]
        return [run for (dag, run_id), run in self.runs.items()
                if (dag_ids is None or dag in dag_ids) and (run_ids is None or run_id in run_ids)]

    def runs_with_live_tasks(self):
        return self.live.values()

    def find_run(self, dag_id, run_id):
        return self.runs.get((dag_id, run_id))

    def runs_ended_since(self, since):
        """The runs that may have ended then or later, or have tries that did."""
        return [run for run in self.runs.values() if run.end() >= since]

    def last_runs(self):
        """Runs that include the one of each DAG that ended last."""
        return self.runs.values()

    def has_import_errors(self, dag):
        return bool(self.incidents.is_broken(dag.file, self.now))

    def is_stale(self, dag):
        return self.is_gone(dag) or (not self.is_v1 and self.has_import_errors(dag))

    def last_parsed(self, dag):
        """The processor parses all files in turn; a deleted file keeps the time of its last parsing."""
        time_ = self.now if not self.is_gone(dag) else self.start + dag.gone
        died = self.incidents.died_at("dag_processor", time_)
        time_ = died or time_
        return time_ - (time_ - sum(dag.id.encode())) % PARSE

    def import_errors(self):
        """(id, file, time of the last parsing) of each broken file."""
        for number, file in enumerate(sorted({dag.file for dag in self.dags.values()})):
            found = self.incidents.is_broken(file, self.now)
            if found:
                yield 1000 * number + found[2] + 500, file, self.now - (self.now - found[0]) % PARSE

    def dag_warnings(self):
        """(DAG, message, time); Airflow 3 has no such warnings."""
        known = {pool.name for pool in self.pools}
        for dag in self.dags.values():
            missing = sorted({task.pool for task in dag.tasks} - known)
            if self.is_v1 and missing:
                yield dag, f"Dag '{dag.id}' references non-existent pools: {missing}", self.start - 3600

    def heartbeat(self, component):
        """The last heartbeat of the component."""
        died = self.incidents.died_at(component, self.now)
        return died or self.now - (self.now - len(component)) % HEARTBEAT

    def is_alive(self, beat):
        return self.now - beat <= HEALTHY_FOR

    def jobs(self):
        """(component, start, last heartbeat) of each process, including dead ones."""
        found = []
        for component in COMPONENTS:
            began = self.start - 86400
            for died, came in self.incidents.comebacks(component, self.now):
                found.append((component, began, died))
                began = came
            found.append((component, began, self.heartbeat(component)))
        return sorted(found, key=lambda job: job[1])

    def slots(self):
        """The number of slots by pool and state."""
        used = {pool.name: dict.fromkeys(("running", "queued", "scheduled", "deferred"), 0)
                for pool in self.pools}
        for run in self.runs_with_live_tasks():
            for each in run.instances:
                look = each.at(self.now)
                if look and each.task.pool in used and look.state in used[each.task.pool]:
                    used[each.task.pool][look.state] += 1
        return used
