#include "exporters/airflow/run_counter.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;

namespace {

const Time kNow = std::chrono::floor<std::chrono::seconds>(Ledger::wall_clock()) - 1h;

DagRun finished(const std::string& dag, const std::string& id, Time ended,
                const std::string& state = "success") {
  DagRun run;
  run.dag = dag;
  run.id = id;
  run.state = state;
  run.type = "scheduled";
  run.due = run.started = ended - 1min;
  run.ended = ended;
  return run;
}

DagRun running(const std::string& dag, const std::string& id) {
  auto run = finished(dag, id, kNow, "running");
  run.ended.reset();
  return run;
}

/// A deployment that answers what a test puts here, and the counter that watches it.
struct Airflow {
  explicit Airflow(bool has_due_filter = true) { history.has_due_filter = has_due_filter; }

  void update() {
    Live all;
    all.runs.rows = live;
    all.tasks.rows = live_tasks;
    all.runs.time = now;
    counter->update(all, history, Deadline::in(1min));
  }
  void kill() { counter.emplace(RunCounter::Options{.deployment = "a"}, runs, tasks); }
  std::string page(Format format = Format::text) const {
    Samples samples;
    counter->add_to(samples);
    std::string page;
    samples.render(format, page);
    return page;
  }
  bool has(const std::string& line) const { return page().find(line + '\n') != std::string::npos; }

  Time now = kNow;
  std::vector<DagRun> live;
  std::vector<TaskInstance> live_tasks;
  std::vector<DagRun> ended;  ///< in each slice
  std::map<RunKey, DagRun> by_id;
  std::vector<Slice> slices;
  std::vector<RunKey> asked;
  std::vector<TaskInstance> tasks_of_runs;
  std::vector<std::vector<RunKey>> asked_for_tasks;
  std::set<std::string> existing, forbidden;  ///< DAGs
  std::vector<std::string> asked_for_dags, asked_for_past;
  std::map<std::string, std::vector<DagRun>> past;
  std::map<std::string, DagRun> past_success;
  std::size_t total_past = 0;

  History history{
      .changed_runs =
          [this](const Slice& slice, std::size_t) {
            slices.push_back(slice);
            return Page<DagRun>{ended, ended.size(), ended.size()};
          },
      .find_run = [this](const RunKey& key) -> std::optional<DagRun> {
        asked.push_back(key);
        const auto found = by_id.find(key);
        return found == by_id.end() ? std::nullopt : std::optional(found->second);
      },
      .tasks =
          [this](std::span<const RunKey> of, std::size_t) {
            asked_for_tasks.emplace_back(of.begin(), of.end());
            return Page<TaskInstance>{tasks_of_runs, tasks_of_runs.size(), tasks_of_runs.size()};
          },
      .tries = [](const TaskInstance&) { return std::nullopt; },
      .has_dag =
          [this](const std::string& dag) {
            asked_for_dags.push_back(dag);
            if (forbidden.contains(dag)) throw Error(Reason::auth, "forbidden");
            return existing.contains(dag);
          },
      .newest_runs =
          [this](const std::string& dag) {
            asked_for_past.push_back(dag);
            return Page<DagRun>{past[dag], past[dag].size(), total_past};
          },
      .newest_success = [this](const std::string& dag) -> std::optional<DagRun> {
        asked_for_past.push_back("success of " + dag);
        const auto found = past_success.find(dag);
        return found == past_success.end() ? std::nullopt : std::optional(found->second);
      }};

  Selection selection{Yaml::parse("{}", "airflow.yml")};
  /// Those of the list, all of which were there when the clock said so.
  void follow(const std::vector<std::string>& dags, std::optional<Time> read = {}) {
    DagList list;
    list.time = read.value_or(now);
    for (const auto& id : dags) {
      Dag dag;
      dag.id = id;
      dag.is_paused = id.starts_with("paused");
      dag.is_stale = id.starts_with("stale") || id.starts_with("broken");
      dag.has_import_errors = id.starts_with("broken");
      list.dags.emplace(id, dag);
    }
    selection.set_list(std::move(list));
    counter->follow(selection.view(), history, Deadline::in(1min));
  }

  std::shared_ptr<Ledger> book(const char* name) const {
    return std::make_shared<Ledger>(name, "", std::vector<Migration>(), kNow - 48h);
  }
  SharedLedger runs{book("runs")}, tasks{book("tasks")};
  std::optional<RunCounter> counter{std::in_place, RunCounter::Options{.deployment = "a"}, runs,
                                    tasks};
};

}  // namespace

TEST_CASE("a run that is no longer live and in no slice is asked for by its id, once") {
  Airflow airflow;
  airflow.live = {running("old", "backfill 1"), running("old", "backfill 2")};
  airflow.update();
  airflow.live = {};
  airflow.by_id[{"old", "backfill 1"}] = finished("old", "backfill 1", kNow + 10s, "failed");
  airflow.now += 30s;
  airflow.update();
  CHECK(airflow.asked.empty());
  airflow.now += 30s;
  airflow.update();
  CHECK(airflow.asked == std::vector<RunKey>{{"old", "backfill 1"}, {"old", "backfill 2"}});
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"old\",state=\"failed\","
                  "run_type=\"scheduled\"} 1"));
  airflow.now += 30s;
  airflow.update();
  CHECK(airflow.asked.size() == 2);
}

TEST_CASE("a bucket of a histogram leads to the run and the try that fell into it last") {
  Airflow airflow;
  airflow.update();
  airflow.ended = {finished("d", "first", kNow + 1s), finished("d", "second", kNow + 2s),
                   finished("d", std::string(200, 'x'), kNow + 3s)};
  TaskInstance task;
  task.dag = "d";
  task.run = "first";
  task.task = "load";
  task.try_number = 1;
  task.state = "success";
  task.started = kNow - 30s;
  task.ended = kNow;
  airflow.tasks_of_runs = {task};
  airflow.now += 30s;
  airflow.update();
  const auto leads_to = [&](const std::string& family, const std::string& exemplar) {
    const auto page = airflow.page(Format::openmetrics);
    const auto line = page.find(family + "_bucket{deployment=\"a\",dag_id=\"d\"");
    const auto end = page.find('\n', page.find(" # {", line));
    return page.substr(0, end).ends_with(exemplar);
  };
  const auto at = [](Time time) {
    std::string text;
    append_value(text, std::chrono::duration<double>(time.time_since_epoch()).count());
    return ' ' + text;
  };
  CHECK(
      leads_to("airflow_dag_run_duration_seconds", " 3 # {run_id=\"second\"} 60" + at(kNow + 2s)));
  CHECK(leads_to("airflow_task_duration_seconds",
                 " 1 # {run_id=\"first\",task_id=\"load\"} 30" + at(kNow)));
  airflow.kill();
  airflow.update();
  CHECK(airflow.page(Format::openmetrics).find(" # {") == std::string::npos);
}

TEST_CASE("a try that ends in a run that goes on counts at the next update") {
  Airflow airflow;
  airflow.live = {running("d", "1"), running("d", "2")};
  const auto task = [](const std::string& run, const std::string& state, std::int64_t try_number) {
    TaskInstance one;
    one.dag = "d";
    one.run = run;
    one.task = "t";
    one.try_number = try_number;
    one.state = state;
    one.started = kNow - 20s;
    if (state != "running") one.ended = kNow;
    return one;
  };
  const auto update = [&](std::vector<TaskInstance> live) {
    airflow.live_tasks = std::move(live);
    airflow.now += 30s;
    airflow.asked_for_tasks.clear();
    airflow.update();
    return airflow.asked_for_tasks;
  };
  using Asked = std::vector<std::vector<RunKey>>;
  const auto count = [&](const std::string& state) {
    return airflow.has(
        "airflow_task_tries_total{deployment=\"a\",dag_id=\"d\",task_id=\"\",state=\"" + state +
        "\"} 1");
  };
  CHECK(update({task("1", "running", 1), task("2", "running", 1)}) == Asked());
  CHECK(update({task("1", "running", 1), task("2", "running", 1)}) == Asked());

  airflow.tasks_of_runs = {task("1", "up_for_retry", 1)};
  CHECK(update({task("1", "up_for_retry", 1), task("2", "running", 1)}) == Asked{{{"d", "1"}}});
  CHECK(count("up_for_retry"));
  CHECK(update({task("1", "up_for_retry", 1), task("2", "running", 1)}) == Asked());
  CHECK(update({task("1", "running", 2), task("2", "running", 1)}) == Asked());

  airflow.tasks_of_runs = {task("1", "success", 2)};
  CHECK(update({task("2", "running", 1)}) == Asked{{{"d", "1"}}});
  CHECK(count("success"));

  SECTION("and what comes and goes between two updates after five minutes") {
    airflow.now += 5min;
    CHECK(update({task("2", "running", 1)}) == Asked{{{"d", "1"}, {"d", "2"}}});
  }
}

TEST_CASE("changes are read from where the last look ended, a minute of it once more") {
  Airflow airflow;
  airflow.update();
  auto& slices = airflow.slices;
  REQUIRE(slices.size() == 2);
  for (const auto& slice : slices) {
    CHECK(slice.from == kNow - 24h);
    CHECK(slice.to == kNow - 5s);
  }
  slices.clear();
  airflow.now += 30s;

  SECTION("of runs that were due lately, and of the others every ten minutes") {
    airflow.update();
    REQUIRE(slices.size() == 1);
    CHECK(slices[0].from == kNow - 65s);
    CHECK(slices[0].to == kNow + 25s);
    CHECK(slices[0].due_from == kNow - 65s - 24h);
    CHECK_FALSE(slices[0].due_to);
    airflow.now = kNow + 10min;
    airflow.update();
    REQUIRE(slices.size() == 4);
    CHECK(slices[1].from == kNow - 35s);
    CHECK(slices[1].due_from == kNow - 35s - 24h);
    CHECK(slices[2].from == kNow - 5s - 11min);
    CHECK(slices[2].to == airflow.now - 5s);
    CHECK_FALSE(slices[2].due_from);
    CHECK(slices[2].due_to == slices[1].due_from);
  }
  SECTION("and once more when they are eleven minutes old, for what is committed late") {
    airflow.now = kNow + 9min + 59s;
    airflow.update();
    REQUIRE(slices.size() == 1);
    airflow.now = kNow + 10min;
    airflow.update();
    REQUIRE(slices.size() == 4);
    CHECK(slices[3].from == kNow - 5s - 11min);
    CHECK(slices[3].to == airflow.now - 5s - 11min);
    CHECK(slices[3].due_from == slices[3].from - 24h);
    CHECK_FALSE(slices[3].due_to);
  }
  SECTION("after a restart of both") {
    airflow.kill();
    airflow.update();
    REQUIRE(slices.size() == 2);
    CHECK(slices[0].from == kNow - 65s);
    CHECK(slices[1].from == kNow - 5s - 11min);
    CHECK(slices[1].due_to == slices[0].due_from);
  }
  SECTION("after an outage, with those of it among the ones that were due lately") {
    airflow.now += 72h;
    airflow.update();
    REQUIRE(slices.size() > 2);
    const auto is_old = [](const Slice& slice) { return slice.due_to.has_value(); };
    const auto last = std::find_if(slices.rbegin(), slices.rend(), is_old).base();
    CHECK(last - slices.begin() > 2);
    for (const auto& slice : std::ranges::subrange(slices.begin(), last)) {
      CHECK((slice.due_from ? slice.due_from : slice.due_to) == kNow - 65s - 24h);
    }
  }
  SECTION("where there is no such filter, of all each time") {
    Airflow airflow2(false);
    airflow2.update();
    airflow2.now += 30s;
    airflow2.update();
    REQUIRE(airflow2.slices.size() == 2);
    CHECK(airflow2.slices[1].from == kNow - 65s);
    CHECK_FALSE(airflow2.slices[1].due_from);
    CHECK_FALSE(airflow2.slices[1].due_to);
  }
}

TEST_CASE("the first look goes less far back where very many runs end") {
  Airflow airflow(false);
  std::vector<Slice> slices;
  std::size_t in_a_day = 0;
  airflow.history.changed_runs = [&](const Slice& slice, std::size_t) {
    slices.push_back(slice);
    const auto days = std::chrono::duration<double, std::ratio<86400>>(slice.to - slice.from);
    Page<DagRun> page;
    page.total = static_cast<std::size_t>(static_cast<double>(in_a_day) * days.count());
    page.received = std::min<std::size_t>(page.total, 100);
    return page;
  };
  SECTION("for so many as tell of the last runs") {
    in_a_day = 200'000;
    airflow.update();
    CHECK(slices.at(1).from > kNow - 3h);
    CHECK(slices.at(1).from < kNow - 2h);
  }
  SECTION("for five minutes at least, as clocks differ") {
    in_a_day = 200'000'000;
    airflow.update();
    CHECK(slices.at(1).from == slices.at(0).to - 5min);
  }
  SECTION("but no later look does") {
    in_a_day = 1'000;
    airflow.update();
    airflow.now += 30s;
    airflow.update();
    const auto before = slices.size();
    in_a_day = 200'000;
    airflow.now += 24h;
    airflow.update();
    CHECK(slices.at(before).from <= kNow);
    CHECK(slices.at(before + 1).from == slices.at(before).from);
  }
}

TEST_CASE("the last run of a DAG, its last success and its failures in a row") {
  Airflow airflow;
  airflow.ended = {finished("d", "3", kNow - 10s, "failed"), finished("d", "1", kNow - 30s),
                   finished("d", "2", kNow - 20s, "failed")};
  airflow.update();
  const auto last = [&] { return airflow.counter->last_runs().at("d"); };
  CHECK(last().run == "3");
  CHECK(last().state == "failed");
  CHECK(last().seconds == 60);
  CHECK(last().success_at == kNow - 30s);
  CHECK(last().consecutive_failures == 2);
  airflow.update();
  CHECK(last().consecutive_failures == 2);
  airflow.kill();
  airflow.update();
  CHECK(last().consecutive_failures == 2);
  CHECK(
      airflow.has("airflow_dag_run_duration_seconds_bucket{deployment=\"a\",dag_id=\"d\","
                  "state=\"failed\",le=\"60.0\"} 2"));
  CHECK(
      airflow.has("airflow_dag_run_duration_seconds_sum{deployment=\"a\",dag_id=\"d\","
                  "state=\"failed\"} 120"));
  CHECK(
      airflow.has("airflow_dag_run_schedule_delay_seconds_count{deployment=\"a\",dag_id=\"d\"} 3"));

  SECTION("follow a change of its state by hand, which counts nothing") {
    airflow.ended[0].state = "success";
    airflow.update();
    CHECK(last().state == "success");
    CHECK(last().consecutive_failures == 0);
    CHECK(last().success_at == kNow - 10s);
    CHECK(
        airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"failed\","
                    "run_type=\"scheduled\"} 2"));
    CHECK(
        airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"success\","
                    "run_type=\"scheduled\"} 1"));
    airflow.ended[0].state = "failed";
    airflow.update();
    CHECK(last().consecutive_failures == 1);
  }
  SECTION("and one that is cleared and runs again counts again") {
    airflow.ended[0] = finished("d", "3", kNow + 10s, "success");
    airflow.now += 30s;
    airflow.update();
    CHECK(last().consecutive_failures == 0);
    CHECK(
        airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"success\","
                    "run_type=\"scheduled\"} 2"));
  }
}

TEST_CASE("a run whose names are too long for the ledger costs itself") {
  Airflow airflow;
  airflow.ended = {finished("d", std::string(2000, 'x'), kNow - 20s), finished("d", "2", kNow)};
  airflow.update();
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"success\","
                  "run_type=\"scheduled\"} 1"));
}

TEST_CASE("tries are counted by DAG or by task") {
  Airflow airflow;
  const bool by_task = GENERATE(false, true);
  airflow.counter.emplace(
      RunCounter::Options{.deployment = "a", .detail = by_task ? Detail::task : Detail::dag},
      airflow.runs, airflow.tasks);
  airflow.ended = {finished("d", "1", kNow)};
  for (const char* const name : {"t1", "t2"}) {
    TaskInstance task;
    task.dag = "d";
    task.run = "1";
    task.task = name;
    task.try_number = 1;
    task.state = "success";
    task.started = kNow - 20s;
    task.ended = kNow;
    airflow.tasks_of_runs.push_back(task);
  }
  airflow.update();
  const std::string series = "airflow_task_tries_total{deployment=\"a\",dag_id=\"d\",task_id=";
  CHECK(airflow.has(series + "\"\",state=\"success\"} 2") == !by_task);
  CHECK(airflow.has(series + "\"t1\",state=\"success\"} 1") == by_task);
  CHECK(airflow.has(series + "\"t2\",state=\"success\"} 1") == by_task);
}

TEST_CASE(
    "a task that fails is named once for each try, at each level of detail, after a kill too") {
  Airflow airflow;
  airflow.ended = {finished("d", "1", kNow)};
  TaskInstance task;
  task.dag = "d";
  task.run = "1";
  task.task = "t";
  task.try_number = 1;
  task.state = "failed";
  task.started = kNow - 20s;
  task.ended = kNow;
  airflow.tasks_of_runs = {task};
  airflow.update();
  airflow.kill();
  airflow.update();
  const auto shows = [](std::string_view) { return true; };
  const auto failures = airflow.counter->notable_tasks().failures(shows);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0] == std::pair(NotableTasks::Name{"d", "t"}, 1.0));
  CHECK(airflow.counter->notable_tasks().longest(shows).at(0).second == 20);
}

TEST_CASE("what ended before the first start tells of the last run, and counts nothing") {
  Airflow airflow;
  airflow.runs = SharedLedger(std::make_shared<Ledger>("runs", "", std::vector<Migration>(), kNow));
  airflow.kill();
  airflow.ended = {finished("d", "1", kNow - 1s, "failed")};
  airflow.update();
  CHECK(airflow.counter->last_runs().at("d").state == "failed");
  CHECK(airflow.page().empty());
  CHECK(airflow.counter->pending() == 0);
}

TEST_CASE("a slice with more changes of one moment than a page has is read page by page") {
  Airflow airflow;
  std::vector<DagRun> all;
  for (int i = 0; i < 250; ++i) {
    all.push_back(finished("d", "run " + std::to_string(i), kNow - 1h, "failed"));
  }
  airflow.history.changed_runs = [&](const Slice& slice, std::size_t offset) {
    Page<DagRun> page;
    if (slice.to < kNow - 30min || slice.from > kNow - 30min) return page;
    page.total = all.size();
    for (auto i = offset; i < std::min(all.size(), offset + 100); ++i) page.rows.push_back(all[i]);
    page.received = page.rows.size();
    return page;
  };
  airflow.update();
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"failed\","
                  "run_type=\"scheduled\"} 250"));
}

using Names = std::vector<std::string>;

TEST_CASE("the last run of a DAG that was deleted is discarded, with what the ledger has of it") {
  Airflow airflow;
  airflow.ended = {finished("a", "1", kNow - 10s), finished("b", "1", kNow - 10s)};
  airflow.update();
  airflow.ended = {};
  airflow.existing = {"a"};
  SECTION("once the list does not have it") {
    airflow.follow({"a"});
    CHECK(airflow.counter->last_runs().contains("a"));
    CHECK_FALSE(airflow.counter->last_runs().contains("b"));
    airflow.kill();
    airflow.update();
    CHECK_FALSE(airflow.counter->last_runs().contains("b"));
    CHECK(
        airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"b\",state=\"success\","
                    "run_type=\"scheduled\"} 1"));
  }
  SECTION("not while it has a live run") {
    airflow.live = {running("b", "2")};
    airflow.update();
    airflow.follow({"a"});
    CHECK(airflow.asked_for_dags.empty());
    CHECK(airflow.counter->last_runs().contains("b"));
  }
  SECTION("not when it may be newer than the list") {
    airflow.follow({"a"}, kNow - 1min);
    CHECK(airflow.asked_for_dags.empty());
    CHECK(airflow.counter->last_runs().contains("b"));
  }
  SECTION("not when the list only lacks it, which is asked once a day") {
    const bool is_forbidden = GENERATE(false, true);
    (is_forbidden ? airflow.forbidden : airflow.existing).insert("b");
    airflow.follow({"a"});
    airflow.follow({"a"});
    CHECK(airflow.asked_for_dags == Names{"b"});
    airflow.now += 24h;
    airflow.update();
    airflow.follow({"a"});
    CHECK(airflow.asked_for_dags == Names{"b", "b"});
    CHECK(airflow.counter->last_runs().contains("b"));
  }
  SECTION("not when nobody answers") {
    airflow.history.has_dag = [](const std::string&) -> bool { throw Error(Reason::connect, "x"); };
    CHECK_THROWS_AS(airflow.follow({"a"}), Error);
    CHECK(airflow.counter->last_runs().contains("b"));
  }
}

TEST_CASE("the last run and the last success of before the first start are asked for once") {
  Airflow airflow;
  airflow.ended = {finished("known", "1", kNow - 10s),
                   finished("failed", "9", kNow - 1h, "failed")};
  airflow.update();
  airflow.past["past"] = {finished("past", "2", kNow - 50h, "failed"),
                          finished("past", "1", kNow - 60h)};
  airflow.past["failed"] = {finished("failed", "9", kNow - 1h, "failed"),
                            finished("failed", "8", kNow - 30h, "failed")};
  airflow.past_success.emplace("failed", finished("failed", "2", kNow - 90h));
  airflow.past["never"] = {};
  airflow.total_past = 12;
  const Names dags{"broken", "failed", "known", "past", "paused", "stale"};
  airflow.follow(dags);
  CHECK(airflow.asked_for_past == Names{"broken", "success of broken", "failed",
                                        "success of failed", "past", "paused",
                                        "success of paused"});
  CHECK(airflow.counter->unasked() == 0);
  const auto& last = airflow.counter->last_runs();
  CHECK(last.at("past").run == "2");
  CHECK(last.at("past").consecutive_failures == 1);
  CHECK(last.at("past").success_at == kNow - 60h);
  CHECK(last.at("failed").run == "9");
  CHECK(last.at("failed").consecutive_failures == 2);
  CHECK(last.at("failed").success_at == kNow - 90h);
  CHECK_FALSE(last.contains("paused"));
  CHECK(airflow.page().find("\"past\"") == std::string::npos);

  airflow.asked_for_past.clear();
  airflow.kill();
  airflow.update();
  airflow.follow(Names{"broken", "failed", "known", "new", "past", "paused", "stale"});
  CHECK(airflow.asked_for_past == Names());
  CHECK(airflow.counter->last_runs().at("failed").success_at == kNow - 90h);
}

TEST_CASE("DAGs are asked for a few at a time, across restarts, those that are paused last") {
  Airflow airflow;
  airflow.history.most_asides = 2;
  airflow.update();
  const Names dags{"a", "b", "paused", "x", "y"};
  Names asked;
  for (int i = 0; i < 3; ++i) {
    airflow.asked_for_past.clear();
    airflow.follow(dags);
    CHECK(airflow.asked_for_past.size() <= 2);
    asked.insert(asked.end(), airflow.asked_for_past.begin(), airflow.asked_for_past.end());
    airflow.kill();
    airflow.update();
  }
  CHECK(asked == Names{"a", "b", "x", "y", "paused"});
  CHECK(airflow.counter->unasked() == 0);
}

TEST_CASE("the past waits until what ended lately is read") {
  Airflow airflow;
  airflow.update();
  airflow.now += 20min;
  airflow.history.changed_runs = [](const Slice&, std::size_t) -> Page<DagRun> {
    throw Error(Reason::connect, "x");
  };
  CHECK_THROWS_AS(airflow.update(), Error);
  airflow.follow({"a"});
  CHECK(airflow.asked_for_past.empty());
}

TEST_CASE("the past waits while the tasks of many runs are to be read") {
  Airflow airflow;
  airflow.history.most_requests = 1;
  for (int i = 0; i < 50; ++i) {
    airflow.ended.push_back(finished("d", std::to_string(i), kNow - 10s));
  }
  airflow.update();
  CHECK(airflow.counter->pending() == 30);
  airflow.follow({"a"});
  CHECK(airflow.asked_for_past.empty());
  airflow.ended = {};
  airflow.now += 30s;
  airflow.update();
  airflow.follow({"a"});
  CHECK(airflow.asked_for_past == Names{"a"});
}

TEST_CASE("what was asked for before an error is kept") {
  Airflow airflow;
  airflow.update();
  const auto answer = airflow.history.newest_runs;
  airflow.history.newest_runs = [&](const std::string& dag) {
    if (dag == "b") throw Error(Reason::connect, "x");
    return answer(dag);
  };
  airflow.past["a"] = {finished("a", "1", kNow - 50h)};
  CHECK_THROWS_AS(airflow.follow({"a", "b"}), Error);
  CHECK(airflow.counter->last_runs().at("a").success_at == kNow - 50h);
  CHECK(airflow.counter->unasked() == 1);
}
