#include "exporters/airflow/notable_tasks.h"

#include <catch2/catch.hpp>

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;

namespace {

const Time kNow = std::chrono::floor<std::chrono::hours>(Ledger::wall_clock());

TaskInstance task_of(const std::string& name, const std::string& state, Time ended,
                     std::chrono::seconds took = 10s) {
  TaskInstance task;
  task.dag = "d";
  task.task = name;
  task.state = state;
  task.started = ended - took;
  task.ended = ended;
  return task;
}

struct Tasks {
  void note(const std::vector<TaskInstance>& some, Time now = kNow) {
    auto run = ledger.begin(Deadline::in(1min), {});
    for (const auto& task : some) notable.note(run, task);
    notable.expire(run, now);
    run.commit();
  }
  void restart() {
    notable = {};
    auto run = ledger.begin(Deadline::in(1min), {});
    notable.load(run);
  }
  std::size_t stored() {
    std::size_t count = 0;
    auto run = ledger.begin(Deadline::in(1min), {});
    run.each_metadata("", [&](std::string_view, std::string_view) { ++count; });
    return count;
  }
  static std::map<std::string, double> of(const NotableTasks::Ranking& ranking) {
    std::map<std::string, double> values;
    for (const auto& [name, value] : ranking) values[name.task] = value;
    return values;
  }

  Ledger ledger{"tasks", ""};
  NotableTasks notable;
};

bool all(std::string_view) { return true; }
using Values = std::map<std::string, double>;

}  // namespace

TEST_CASE("the tasks whose tries fail, and the longest try of each, of a day, across restarts") {
  Tasks tasks;
  tasks.note({task_of("a", "failed", kNow - 5h), task_of("a", "up_for_retry", kNow - 1min, 70s),
              task_of("a", "success", kNow - 1min, 60s), task_of("b", "success", kNow - 1h, 5s),
              task_of("c", "skipped", kNow - 1h, 500s)});
  for (int i = 0; i < 2; ++i) {
    CHECK(Tasks::of(tasks.notable.failures(all, kNow)) == Values{{"a", 2}});
    CHECK(Tasks::of(tasks.notable.longest(all, kNow)) == Values{{"a", 70}, {"b", 5}});
    CHECK(tasks.notable.longest(all, kNow).front().first.task == "a");
    tasks.restart();
  }
  CHECK(tasks.notable.failures([](std::string_view dag) { return dag != "d"; }, kNow).empty());

  CHECK(Tasks::of(tasks.notable.failures(all, kNow + 20h)) == Values{{"a", 1}});
  CHECK(tasks.notable.longest(all, kNow + 24h).empty());
  tasks.note({}, kNow + 20h);
  CHECK(Tasks::of(tasks.notable.failures(all, kNow)) == Values{{"a", 1}});
  tasks.note({}, kNow + 24h);
  CHECK(tasks.notable.failures(all, kNow).empty());
  CHECK(tasks.notable.longest(all, kNow).empty());
  CHECK(tasks.stored() == 0);
}

TEST_CASE("tries from when the clock was ahead are not those of the day") {
  Tasks tasks;
  tasks.note({task_of("a", "failed", kNow)});
  const auto ahead = kNow + 24h * 400;
  tasks.note({task_of("b", "failed", ahead, 500s)}, ahead);
  tasks.note({task_of("c", "failed", kNow)});
  CHECK(Tasks::of(tasks.notable.failures(all, kNow)) == Values{{"c", 1}});
  CHECK(Tasks::of(tasks.notable.longest(all, kNow)) == Values{{"c", 10}});
  CHECK(tasks.stored() == 1);
}

TEST_CASE("twenty tasks are named, those with the highest values") {
  Tasks tasks;
  std::vector<TaskInstance> some;
  for (int i = 1; i <= 50; ++i) {
    const auto name = std::to_string(100 + i);
    const auto hour = kNow - std::chrono::hours(i % 5);
    some.push_back(task_of(name, "success", hour, std::chrono::seconds(i)));
    if (i > 25) some.push_back(task_of(name, "failed", hour, 1s));
    if (i > 40) some.push_back(task_of(name, "failed", hour, 1s));
  }
  tasks.note(some);
  const auto longest = tasks.notable.longest(all, kNow),
             failures = tasks.notable.failures(all, kNow);
  REQUIRE(longest.size() == 20);
  for (int i = 0; i < 20; ++i) CHECK(longest[static_cast<std::size_t>(i)].second == 50 - i);
  REQUIRE(failures.size() == 20);
  CHECK(failures[9].second == 2);
  CHECK(failures[10].second == 1);
}

TEST_CASE("what is kept of an hour has a bound") {
  Tasks tasks;
  std::vector<TaskInstance> some;
  for (int i = 1; i <= 3000; ++i) {
    some.push_back(task_of(std::to_string(i), i % 2 == 0 ? "failed" : "success", kNow,
                           std::chrono::seconds(i)));
  }
  tasks.note(some);
  CHECK(tasks.stored() <= 1020);
  CHECK(tasks.notable.longest(all, kNow).back().second == 2981);
}
