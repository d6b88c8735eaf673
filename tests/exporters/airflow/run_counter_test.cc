#include "exporters/airflow/run_counter.h"

#include <catch2/catch.hpp>

#include "tests/exporters/airflow/scripted_airflow.h"

using namespace scripted;

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

TEST_CASE("durations of short runs are told apart") {
  Airflow airflow;
  for (const auto& [id, duration] :
       std::map<std::string, std::chrono::seconds>{{"1", 5s}, {"2", 6s}, {"3", 15s}, {"4", 16s}}) {
    auto run = finished("d", id, kNow - 10s);
    run.started = *run.ended - duration;
    airflow.ended.push_back(run);
  }
  airflow.update();
  for (const auto& [bound, count] :
       std::map<std::string, std::string>{{"5.0", "1"}, {"15.0", "3"}, {"60.0", "4"}}) {
    CAPTURE(bound);
    CHECK(
        airflow.has("airflow_dag_run_duration_seconds_bucket{deployment=\"a\",dag_id=\"d\","
                    "state=\"success\",le=\"" +
                    bound + "\"} " + count));
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

TEST_CASE("a run whose tasks cannot be read holds up those of no other") {
  Airflow airflow;
  for (const char* const id : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    airflow.ended.push_back(finished("d", id, kNow));
    airflow.tasks_of_runs.push_back(succeeded(id));
  }
  const auto tasks = airflow.history.tasks;
  airflow.history.tasks = [&](std::span<const RunKey> of, std::size_t offset) {
    for (const auto& key : of) {
      if (key.run == "2") throw Error(Reason::decode, "the response body exceeds the limit");
    }
    return tasks(of, offset);
  };
  CHECK_THROWS_AS(airflow.update(), Error);
  CHECK(
      airflow.has("airflow_task_tries_total{deployment=\"a\",dag_id=\"d\",task_id=\"\","
                  "state=\"success\"} 7"));
  CHECK(airflow.counter->pending() == 1);
}

TEST_CASE(
    "many runs whose tasks cannot be read hold up others for a few updates, and are asked rarely") {
  Airflow airflow;
  for (const char* const id : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    airflow.ended.push_back(finished("d", id, kNow - 10s));
  }
  airflow.ended.push_back(finished("d", "9", kNow));
  airflow.tasks_of_runs = {succeeded("9")};
  const auto tasks = airflow.history.tasks;
  int failures = 0;
  airflow.history.tasks = [&](std::span<const RunKey> of, std::size_t offset) {
    for (const auto& key : of) {
      if (key.run == "9") continue;
      ++failures;
      throw Error(Reason::http_status, "status 500");
    }
    return tasks(of, offset);
  };
  const auto update = [&] {
    airflow.now += 1s;
    CHECK_THROWS_AS(airflow.update(), Error);
  };
  for (int i = 0; i < 3; ++i) update();
  CHECK(
      airflow.has("airflow_task_tries_total{deployment=\"a\",dag_id=\"d\",task_id=\"\","
                  "state=\"success\"} 1"));
  CHECK(airflow.counter->pending() == 8);
  update();
  failures = 0;
  airflow.now += 1s;
  airflow.update();
  CHECK(failures == 0);
  airflow.now += 5min;
  airflow.history.tasks = tasks;
  airflow.update();
  CHECK(airflow.counter->pending() == 0);
}

TEST_CASE("tasks that cannot be read are given up after a day") {
  Airflow airflow;
  airflow.ended = {finished("d", "1", kNow - 30h)};
  int requests = 0;
  airflow.history.tasks = [&](std::span<const RunKey>, std::size_t) -> Page<TaskInstance> {
    ++requests;
    throw Error(Reason::decode, "task_instances[0].try_number: missing");
  };
  const auto update_until = [&](Time time) {
    for (; airflow.now < time; airflow.now += 10min) CHECK_THROWS_AS(airflow.update(), Error);
  };
  update_until(kNow + 24h);
  CHECK(airflow.counter->pending() == 1);
  CHECK_THROWS_AS(airflow.update(), Error);
  CHECK(airflow.counter->pending() == 0);
  requests = 0;
  airflow.kill();
  airflow.now += 10min;
  airflow.update();
  CHECK(airflow.counter->pending() == 0);
  CHECK(requests == 0);
}

TEST_CASE("a task whose tries cannot be read holds up no other") {
  Airflow airflow;
  for (const char* const id : {"1", "2"}) {
    airflow.ended.push_back(finished("d", id, kNow));
    airflow.tasks_of_runs.push_back(succeeded(id, 2));
  }
  airflow.history.tries = [](const TaskInstance& task) -> std::optional<std::vector<TaskInstance>> {
    if (task.run == "1") throw Error(Reason::http_status, "status 500");
    return std::nullopt;
  };
  CHECK_THROWS_AS(airflow.update(), Error);
  CHECK(
      airflow.has("airflow_task_tries_total{deployment=\"a\",dag_id=\"d\",task_id=\"\","
                  "state=\"success\"} 1"));
  CHECK(airflow.counter->pending() == 1);
}

TEST_CASE("a deployment that answers no request is asked few times") {
  const bool names_time = GENERATE(false, true);
  Airflow airflow;
  int requests = 0;
  const auto fail = [&] {
    ++requests;
    const auto later = Clock::now() + 1min;
    throw Error(Reason::http_status, "status 503",
                names_time ? std::optional(later) : std::nullopt);
  };
  for (int i = 0; i < 40; ++i) airflow.live.push_back(running("d", std::to_string(i)));
  airflow.update();
  airflow.live.clear();
  airflow.history.changed_runs = [&](const Slice&, std::size_t) -> Page<DagRun> {
    fail();
    return {};
  };
  airflow.history.find_run = [&](const RunKey&) -> std::optional<DagRun> {
    fail();
    return {};
  };
  airflow.now += 30s;
  CHECK_THROWS_AS(airflow.update(), Error);
  requests = 0;
  airflow.now += 30s;
  CHECK_THROWS_AS(airflow.update(), Error);
  CHECK(requests == (names_time ? 1 : 5));
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
  const auto failures = airflow.counter->notable_tasks().failures(shows, kNow);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0] == std::pair(NotableTasks::Name{"d", "t"}, 1.0));
  CHECK(airflow.counter->notable_tasks().longest(shows, kNow).at(0).second == 20);
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

TEST_CASE("after the server's clock was ahead, runs count and are the last ones as before") {
  Airflow airflow;
  airflow.ended = {finished("d", "1", kNow)};
  airflow.now += 30s;
  airflow.update();
  airflow.now += std::chrono::days(400);
  airflow.ended = {finished("d", "ahead", airflow.now - 10s)};
  airflow.live = {running("d", "live")};
  airflow.update();
  REQUIRE(airflow.counter->last_runs().at("d").run == "ahead");
  if (GENERATE(true, false)) airflow.kill();

  airflow.now = kNow + 10min;
  airflow.ended = {finished("d", "2", kNow + 5min, "failed")};
  airflow.slices.clear();
  airflow.asked_for_tasks.clear();
  airflow.update();
  REQUIRE(!airflow.slices.empty());
  CHECK(airflow.slices.front().from == kNow);
  CHECK(airflow.counter->read_up_to().recent <= airflow.now);
  const auto last = airflow.counter->last_runs().at("d");
  CHECK(last.run == "2");
  CHECK(last.success_at > airflow.now);
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"failed\",run_type="
                  "\"scheduled\"} 1"));
  airflow.ended = {finished("d", "3", kNow + 9min)};
  airflow.update();
  CHECK(airflow.counter->last_runs().at("d").success_at == kNow + 9min);

  airflow.asked_for_tasks.clear();
  airflow.now += 6min;
  airflow.update();
  REQUIRE(!airflow.asked_for_tasks.empty());
  CHECK(airflow.asked_for_tasks.back() == std::vector<RunKey>{{"d", "live"}});
}

TEST_CASE("the last run from when the clock was ahead stays the last one until another ends") {
  Airflow airflow;
  const auto before = finished("d", "before", kNow, "failed");
  airflow.ended = {before};
  airflow.now += 30s;
  airflow.update();
  airflow.now += std::chrono::days(400);
  const auto ahead = finished("d", "ahead", airflow.now - 10s, GENERATE("success", "failed"));
  airflow.ended = {ahead};
  airflow.update();
  const auto is_last = [&](const std::string& run, std::uint64_t failures) {
    for (int update = 0; update < 2; ++update) {
      airflow.update();
      const auto last = airflow.counter->last_runs().at("d");
      CHECK(last.run == run);
      CHECK(last.consecutive_failures == failures);
    }
  };
  const std::uint64_t failures = ahead.state == "failed" ? 2 : 0;
  is_last("ahead", failures);
  airflow.now = kNow + 10min;
  airflow.ended = {before};  // it is read again
  is_last("ahead", failures);
  if (GENERATE(true, false)) airflow.kill();
  airflow.ended = {before, finished("d", "after", kNow + 9min, "failed"), ahead};
  is_last("after", failures + 1);
}
