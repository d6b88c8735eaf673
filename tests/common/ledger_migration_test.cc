// Files of older formats, and metrics whose declarations have changed.

#include <catch2/catch.hpp>
#include <filesystem>

#include "common/base/error.h"
#include "test_paths.h"
#include "tests/common/ledger_fixture.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/unreliable_disk.h"

using namespace exporter;
using namespace fixture;
using namespace std::chrono_literals;

namespace {

constexpr auto kSeconds = histogram("test_seconds", "Durations.", "queue");
constexpr std::array<double, 2> kBounds = {1, 10};
const Ledger::Options kOptions = {.allowed_lateness = 16h};
const auto kNow = kStart + 40h;

/// The counters of the fixture, as shown by the version that wrote it.
const std::string kTasksOfFormat1 = tasks_page(
    "test_tasks_total{state=\"failed\",queue=\"main\"} 19\n"
    "test_tasks_total{state=\"failed\",queue=\"side\"} 21\n"
    "test_tasks_total{state=\"ok\",queue=\"\\\"\\n\"} 1000.125\n"
    "test_tasks_total{state=\"ok\",queue=\"main\"} 69\n"
    "test_tasks_total{state=\"ok\",queue=\"side\"} 64\n");
const std::string kSecondsOfFormat1 =
    "# HELP test_seconds Durations.\n# TYPE test_seconds histogram\n"
    "test_seconds_bucket{queue=\"main\",le=\"1.0\"} 8\n"
    "test_seconds_bucket{queue=\"main\",le=\"10.0\"} 80\n"
    "test_seconds_bucket{queue=\"main\",le=\"+Inf\"} 80\n"
    "test_seconds_sum{queue=\"main\"} 410\n"
    "test_seconds_count{queue=\"main\"} 80\n"
    "test_seconds_bucket{queue=\"side\",le=\"1.0\"} 8\n"
    "test_seconds_bucket{queue=\"side\",le=\"10.0\"} 80\n"
    "test_seconds_bucket{queue=\"side\",le=\"+Inf\"} 80\n"
    "test_seconds_sum{queue=\"side\"} 410\n"
    "test_seconds_count{queue=\"side\"} 80\n";

/// A directory with a copy of the file of format 1.
struct Older {
  Older() { directory.write("format1.ledger", read_file(fixture_path())); }
  static std::filesystem::path fixture_path() {
    return std::filesystem::path(SOURCE_DIR) / "tests/fixtures/ledger/format1.ledger";
  }
  std::unique_ptr<Ledger> open(std::vector<Migration> migrations = {}) const {
    return std::make_unique<Ledger>("format1", directory.path(), std::move(migrations), kNow);
  }

  TemporaryDirectory directory;
};

Ledger::Run begin(Ledger& ledger) { return ledger.begin(soon(), kOptions, kNow); }

/// Reports again what the source reported in the fixture's last 16 hours.
void report_again(Ledger& ledger) {
  auto run = begin(ledger);
  for (int hour = 25; hour <= 40; ++hour) {
    for (int i = 0; i < 4; ++i) {
      const auto id = "task " + std::to_string(hour) + "." + std::to_string(i);
      const auto when = kStart + std::chrono::hours(hour) - std::chrono::minutes(10 * i);
      const char* queue = i % 2 == 0 ? "main" : "side";
      run.record(kTasks, {id, when}, 1, hour % 5 == 0 ? "failed" : "ok", queue);
      run.observe(kSeconds, kBounds, {id, when}, 0.25 * (hour % 50), queue);
    }
  }
  run.record(kTasks, {"moved", kStart + 39h}, 3, "failed", "main");
  run.record(kTasks, {"in two series", kStart + 39h}, 2, "ok", "main");
  run.record(kTasks, {"in two series", kStart + 39h}, 5, "failed", "side");
  run.record(kTasks, {"corrected", kStart + 39h}, 0.5, "ok", "\"\n");
  run.commit();
}

/// What later versions declare in place of kTasks.
constexpr auto kJobs = counter("test_jobs_total", "Jobs.", "state", "queue");
constexpr auto kByRegion = counter("test_tasks_total", "Tasks.", "state", "queue", "region");
constexpr auto kByState = counter("test_tasks_total", "Tasks.", "state");

/// A ledger that can be reopened with other migrations.
struct Reopened {
  Reopened() {
    const auto ledger = open({});
    report(*ledger);
    auto run = begin(*ledger);
    run.record(kTasks, {"fell", kNow}, 10, "failed", "side");  // 100 is shown
    run.commit();
  }
  static void report(Ledger& ledger) {
    auto run = begin(ledger);
    run.record(kTasks, {"a", kNow}, 1, "ok", "main");
    run.record(kTasks, {"b", kNow}, 2, "ok", "side");
    run.record(kTasks, {"c", kNow}, 4, "failed", "main");
    run.record(kTasks, {"fell", kNow}, 100, "failed", "side");
    run.record(kTasks, {"old", kNow - 16h}, 1000, "ok", "main");
    run.commit();
  }
  std::unique_ptr<Ledger> open(std::vector<Migration> migrations) const {
    return std::make_unique<Ledger>("test", directory.path(), std::move(migrations), kStart);
  }
  /// Opens the ledger and loads it by a run that changes nothing.
  std::unique_ptr<Ledger> load(std::vector<Migration> migrations) const {
    auto ledger = open(std::move(migrations));
    { const auto run = begin(*ledger); }
    return ledger;
  }

  TemporaryDirectory directory;
};

std::vector<std::string> with_region(std::span<const std::string_view> labels) {
  return {std::string(labels[0]), std::string(labels[1]), "eu"};
}
std::vector<std::string> state_alone(std::span<const std::string_view> labels) {
  return {std::string(labels[0])};
}

}  // namespace

TEST_CASE("a file of format 1 is migrated without losing a count") {
  const Older older;
  auto ledger = older.open();
  CHECK_FALSE(ledger->figures().has_value());
  {
    auto run = begin(*ledger);
    CHECK(run.metadata("position") == "hour 40");
    CHECK(run.metadata("job/1") == std::string("\0 hour ", 7) + "40");
  }
  const auto check = [&] {
    CHECK(page(*ledger, kTasks) == kTasksOfFormat1);
    CHECK(page(*ledger, kSeconds, kBounds) == kSecondsOfFormat1);
    const auto figures = ledger->figures().value();
    CHECK(figures.started == kStart);
    CHECK(figures.newest == kNow);
    CHECK(figures.watermark == kStart + 24h);
    CHECK(figures.series == 7);
    CHECK(figures.open_events == 134);  // but for the 0 of what had moved
    CHECK(figures.corrections == 2);
    CHECK(figures.dropped == 1);
    CHECK_FALSE(ledger->has_discarded_state());
  };
  check();
  report_again(*ledger);
  check();
  ledger.reset();
  ledger = older.open();
  report_again(*ledger);
  check();
  auto run = begin(*ledger);
  run.record(kTasks, {"task 40.0", kNow}, 3, "failed", "main");  // corrected by 2
  run.record(kTasks, {"moved", kNow - 1h}, 3, "ok", "main");     // back, where the true value is 66
  run.record(kTasks, {"one more", kNow}, 1, "ok", "main");
  run.commit();
  CHECK(page(*ledger, kTasks).find("{state=\"ok\",queue=\"main\"} 70\n") != std::string::npos);
}

TEST_CASE("a file of format 1 whose migration is cut off is migrated the next time") {
  const auto seed = GENERATE(1u, 2u);
  for (std::int64_t operation = 1;; operation += 3) {
    INFO("operation " << operation);
    const Older older;
    UnreliableDisk disk;
    disk.cut_power(operation, seed);
    try {
      const auto ledger = older.open();
      report_again(*ledger);
    } catch (const Error& error) {
      REQUIRE(error.reason() == Reason::io);
    }
    if (!disk.has_ended()) break;
    disk.restart();
    const auto ledger = older.open();
    report_again(*ledger);
    REQUIRE(page(*ledger, kTasks) == kTasksOfFormat1);
    REQUIRE(page(*ledger, kSeconds, kBounds) == kSecondsOfFormat1);
    REQUIRE_FALSE(ledger->has_discarded_state());
  }
}

TEST_CASE("a file of format 1 that is damaged is set aside") {
  const Older older;
  auto bytes = read_file(Older::fixture_path());
  bytes.replace(3 * 4096, 512, 512, '\x55');
  older.directory.write("format1.ledger", bytes);
  const auto ledger = older.open();
  { const auto run = begin(*ledger); }
  CHECK(ledger->has_discarded_state());
  CHECK(page(*ledger, kTasks).empty());
}

TEST_CASE("a metric that gains a label goes on with the value that it is given") {
  const Reopened state;
  const auto ledger =
      state.load({{.name = "region", .from = kTasks, .to = kByRegion, .labels = with_region}});
  CHECK(page(*ledger, kTasks).empty());
  CHECK(page(*ledger, kByRegion) ==
        tasks_page("test_tasks_total{state=\"failed\",queue=\"main\",region=\"eu\"} 4\n"
                   "test_tasks_total{state=\"failed\",queue=\"side\",region=\"eu\"} 100\n"
                   "test_tasks_total{state=\"ok\",queue=\"main\",region=\"eu\"} 1001\n"
                   "test_tasks_total{state=\"ok\",queue=\"side\",region=\"eu\"} 2\n"));
  auto run = begin(*ledger);
  run.record(kByRegion, {"a", kNow}, 1, "ok", "main", "eu");  // the same
  run.record(kByRegion, {"b", kNow}, 2, "ok", "side", "us");  // moves
  run.record(kByRegion, {"c", kNow}, 5, "failed", "main", "eu");
  run.commit();
  CHECK(ledger->figures()->corrections == 3);
  CHECK(ledger->figures()->open_events == 5);
  CHECK(page(*ledger, kByRegion).find("{state=\"ok\",queue=\"side\",region=\"us\"} 2") !=
        std::string::npos);
}

TEST_CASE(
    "series that lose the label that told them apart are added up, and so is what they show") {
  const Reopened state;
  const auto ledger =
      state.load({{.name = "no queue", .from = kTasks, .to = kByState, .labels = state_alone}});
  CHECK(page(*ledger, kByState) == tasks_page("test_tasks_total{state=\"failed\"} 104\n"
                                              "test_tasks_total{state=\"ok\"} 1003\n"));
  CHECK(ledger->figures()->series == 2);
  auto run = begin(*ledger);
  run.record(kByState, {"b", kNow}, 3, "ok");
  run.record(kByState, {"c", kNow}, 95, "failed");  // the true value is 105; 104 was shown
  run.commit();
  CHECK(page(*ledger, kByState) == tasks_page("test_tasks_total{state=\"failed\"} 105\n"
                                              "test_tasks_total{state=\"ok\"} 1004\n"));
}

TEST_CASE("a metric can change its name, and so can its labels") {
  const Reopened state;
  constexpr auto kRenamed = counter("test_jobs_total", "Jobs.", "outcome", "queue");
  auto ledger = state.load({{.name = "to jobs", .from = kTasks, .to = kJobs},
                            {.name = "outcome", .from = kJobs, .to = kRenamed}});
  CHECK(page(*ledger, kTasks).empty());
  CHECK(page(*ledger, kJobs).empty());
  const auto renamed = page(*ledger, kRenamed);
  CHECK(renamed.find("test_jobs_total{outcome=\"ok\",queue=\"main\"} 1001\n") != std::string::npos);
  auto run = begin(*ledger);
  run.record(kRenamed, {"a", kNow}, 1, "ok", "main");
  run.commit();
  CHECK(page(*ledger, kRenamed) == renamed);
  ledger.reset();
  CHECK(page(*state.load({}), kRenamed) == renamed);
}

TEST_CASE("a histogram is migrated with its bounds, and those with others stay") {
  const TemporaryDirectory directory;
  constexpr std::array<double, 1> kOtherBounds = {5};
  constexpr auto kDuration = histogram("test_duration_seconds", "Durations.");
  {
    Ledger ledger("test", directory.path(), {}, kStart);
    auto run = begin(ledger);
    run.observe(kSeconds, kBounds, {"a", kNow}, 3, "main");
    run.observe(kSeconds, kOtherBounds, {"a", kNow}, 3, "main");
    const std::array<std::uint64_t, 3> counts = {1, 2, 3};
    run.observe_counts(kSeconds, kBounds, {"b", kNow}, counts, 50, "side");
    run.commit();
  }
  Ledger ledger("test", directory.path(),
                {{.name = "duration",
                  .from = kSeconds,
                  .to = kDuration,
                  .bounds = kBounds,
                  .labels = [](auto) { return std::vector<std::string>(); }}},
                kStart);
  {
    auto run = begin(ledger);
    const std::array<std::uint64_t, 3> counts = {1, 2, 4};
    run.observe_counts(kDuration, kBounds, {"b", kNow}, counts, 60);
    run.commit();
  }
  CHECK(page(ledger, kDuration, kBounds) ==
        "# HELP test_duration_seconds Durations.\n# TYPE test_duration_seconds histogram\n"
        "test_duration_seconds_bucket{le=\"1.0\"} 1\n"
        "test_duration_seconds_bucket{le=\"10.0\"} 4\n"
        "test_duration_seconds_bucket{le=\"+Inf\"} 8\n"
        "test_duration_seconds_sum 63\n"
        "test_duration_seconds_count 8\n");
  CHECK_FALSE(page(ledger, kSeconds, kOtherBounds).empty());
}

TEST_CASE("ids of events can change") {
  const Reopened state;
  auto ledger =
      state.load({{.name = "ids",
                   .from = kTasks,
                   .to = kTasks,
                   .id = [](std::string_view id, std::span<const std::string_view> labels) {
                     return std::string(id).append(" ").append(labels[1]);
                   }}});
  const auto before = page(*ledger, kTasks);
  auto run = begin(*ledger);
  run.record(kTasks, {"a main", kNow}, 1, "ok", "main");
  run.record(kTasks, {"b side", kNow}, 2, "ok", "side");
  run.commit();
  CHECK(page(*ledger, kTasks) == before);
  CHECK(ledger->figures()->open_events == 5);
}

TEST_CASE("a migration is applied once, and not to what is counted after it") {
  const Reopened state;
  const std::vector<Migration> migrations = {{.name = "to jobs", .from = kTasks, .to = kJobs}};
  auto ledger = state.load(migrations);
  {
    auto run = begin(*ledger);
    run.record(kTasks, {"a", kNow}, 1, "ok", "main");  // by an older version of the exporter
    run.commit();
  }
  ledger.reset();
  ledger = state.load(migrations);
  CHECK(page(*ledger, kTasks) == tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} 1\n"));
  CHECK(page(*ledger, kJobs).find("{state=\"ok\",queue=\"main\"} 1001") != std::string::npos);
}

TEST_CASE("two metrics can become one") {
  const Reopened state;
  constexpr auto kKinds = counter("test_work_total", "Work.", "kind");
  constexpr auto kMore = counter("test_more_total", "More.");
  {
    const auto ledger = state.open({});
    auto run = begin(*ledger);
    run.record(kMore, {"a", kNow}, 7);
    run.commit();
  }
  const auto to = [](const char* kind) {
    return [kind](std::span<const std::string_view>) { return std::vector<std::string>{kind}; };
  };
  const auto ledger =
      state.load({{.name = "tasks", .from = kTasks, .to = kKinds, .labels = to("task")},
                  {.name = "more", .from = kMore, .to = kKinds, .labels = to("more")}});
  CHECK(page(*ledger, kKinds) ==
        "# HELP test_work_total Work.\n# TYPE test_work_total counter\n"
        "test_work_total{kind=\"more\"} 7\n"
        "test_work_total{kind=\"task\"} 1107\n");
  auto run = begin(*ledger);
  run.record(kKinds, {"a", kNow}, 7, "more");  // both events are known
  run.record(kKinds, {"a", kNow}, 1, "task");
  run.commit();
  CHECK(ledger->figures()->corrections == 1);
  CHECK(ledger->figures()->open_events == 6);
}

TEST_CASE("a migration that cannot be is refused, and changes nothing") {
  const Reopened state;
  const auto text = [&](Migration migration) {
    const auto ledger = state.open({std::move(migration)});
    return error_of(Reason::internal, [&] { begin(*ledger); });
  };
  CHECK(text({.name = "gain", .from = kTasks, .to = kByRegion}) ==
        "migration gain: one value for each label");
  CHECK(text({.name = "type", .from = kTasks, .to = kSeconds}) ==
        "migration type: both counters, or histograms with their bounds");
  CHECK(text({.name = "bounds", .from = kSeconds, .to = kSeconds}) ==
        "migration bounds: both counters, or histograms with their bounds");
  CHECK(page(*state.load({}), kTasks).find("{state=\"ok\",queue=\"main\"} 1001") !=
        std::string::npos);
}

TEST_CASE("a migration that is cut off is applied the next time") {
  for (std::int64_t operation = 1;; operation += 2) {
    INFO("operation " << operation);
    const Reopened state;
    const std::vector<Migration> migrations = {
        {.name = "no queue", .from = kTasks, .to = kByState, .labels = state_alone}};
    UnreliableDisk disk;
    disk.cut_power(operation, static_cast<std::uint64_t>(operation));
    try {
      state.load(migrations);
    } catch (const Error& error) {
      REQUIRE(error.reason() == Reason::io);
    }
    if (!disk.has_ended()) break;
    disk.restart();
    REQUIRE(page(*state.load(migrations), kByState) ==
            tasks_page("test_tasks_total{state=\"failed\"} 104\n"
                       "test_tasks_total{state=\"ok\"} 1003\n"));
  }
}
