#include "common/ledger/ledgers.h"

#include <catch2/catch.hpp>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kTasks = counter("test_tasks_total", "Tasks.", "state");
const Ledger::Time kStart{24h * 365 * 50};

Deadline soon() { return Deadline::in(1min); }

}  // namespace

TEST_CASE("collectors of two configurations share a ledger by its name") {
  Ledgers ledgers({});
  auto old_one = ledgers.open("dbt", {});
  auto new_one = ledgers.open("dbt", {.allowed_lateness = 1h});
  CHECK(old_one == new_one);
  CHECK(ledgers.open("airflow", {}) != new_one);
  old_one.reset();
  auto run = new_one->begin(soon());
  run.record(kTasks, {"a", Ledger::wall_clock()}, 1, "ok");
  run.commit();
  CHECK(ledgers.open("dbt", {})->figures().open_events == 1);
}

TEST_CASE("the ledgers that somebody holds tell of themselves") {
  Ledgers ledgers({});
  const auto held = ledgers.open("dbt", {});
  ledgers.open("airflow", {});
  {
    auto run = held->begin(soon(), kStart + 1h);
    run.record(kTasks, {"a", Ledger::wall_clock()}, 1, "ok");
    run.record(kTasks, {"a", Ledger::wall_clock()}, 2, "ok");
    run.commit();
  }
  const auto started = std::chrono::duration<double>(held->figures().started.time_since_epoch());
  Samples samples, expected;
  ledgers.add_to(samples);
  const std::array<double, 10> values = {1,
                                         1,
                                         1,
                                         0,
                                         0,
                                         static_cast<double>(held->figures().size_bytes),
                                         started.count(),
                                         1576803600,
                                         started.count(),
                                         0};
  const auto metrics = Ledgers::metrics();
  REQUIRE(metrics.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    expected.add(metrics[i], values[i], std::array<std::string_view, 1>{"dbt"});
  }
  std::string page, expected_page;
  samples.render(Format::openmetrics, page);
  expected.render(Format::openmetrics, expected_page);
  CHECK(page == expected_page);
  CHECK(held->figures().size_bytes > 0);
}

TEST_CASE("a ledger that nobody holds is closed when another one is opened") {
  TemporaryFolder folder;
  Ledgers ledgers(folder.path());
  ledgers.open("dbt", {});
  CHECK(error_of(Reason::io, [&] { Ledger("dbt", folder.path(), {}); }) ==
        (folder.path() / "dbt.ledger").string() + ": in use by another process");
  const auto other = ledgers.open("airflow", {});
  Ledger("dbt", folder.path(), {});
  CHECK(ledgers.open("airflow", {}) == other);
}

TEST_CASE("a ledger that cannot be opened can be opened later") {
  TemporaryFolder folder;
  Ledgers ledgers(folder.path() / "a" / "b");
  CHECK(error_of(Reason::io, [&] { ledgers.open("dbt", {}); }) ==
        "state folder " + (folder.path() / "a" / "b").string() + ": No such file or directory");
  std::filesystem::create_directory(folder.path() / "a");
  CHECK(ledgers.open("dbt", {})->figures().series == 0);
}
