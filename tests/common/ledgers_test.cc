#include "common/ledger/ledgers.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/common/ledger_fixture.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace std::chrono_literals;
using fixture::kStart;
using fixture::soon;

namespace {

constexpr auto kTasks = counter("test_tasks_total", "Tasks.", "state");

std::string page(const Samples& samples) {
  std::string text;
  samples.render(Format::openmetrics, text);
  return text;
}

}  // namespace

TEST_CASE("configurations share a ledger by its purpose and source") {
  Ledgers ledgers({});
  auto old_one = std::optional(ledgers.open("dbt", "shop", {}));
  const auto new_one = ledgers.open("dbt", "shop", {.allowed_lateness = 1h});
  CHECK(&**old_one == &*new_one);
  CHECK(&*ledgers.open("dbt", "bank", {}) != &*new_one);
  CHECK(&*ledgers.open("dbt_cloud", "shop", {}) != &*new_one);
  old_one.reset();
  auto run = new_one.begin(soon());
  run.record(kTasks, {"a", Ledger::wall_clock()}, 1, "ok");
  run.commit();
  CHECK(ledgers.open("dbt", "shop", {})->figures()->open_events == 1);
}

TEST_CASE("each configuration's runs have its own options, whoever came last") {
  Ledgers ledgers({});
  const auto old_one = ledgers.open("dbt", "shop", {});
  { const auto refused = ledgers.open("dbt", "shop", {.allowed_lateness = 0s, .max_series = 0}); }
  CHECK(error_of(Reason::config, [&] { ledgers.open("dbt", "shop", {.retention = -1s}); }) ==
        "a ledger's times cannot be negative");
  for (const auto* state : {"ok", "failed"}) {
    auto run = old_one.begin(soon());
    run.record(kTasks, {state, Ledger::wall_clock()}, 1, state);
    run.commit();
  }
  CHECK(old_one->figures()->series == 2);
  CHECK(old_one->figures()->dropped == 0);
  CHECK(old_one->figures()->open_events == 2);
}

TEST_CASE("a ledger's file is named by its purpose and its source") {
  const TemporaryDirectory directory;
  Ledgers ledgers(directory.path());
  const auto shop = ledgers.open("dbt", "a shop/\xc3\xa9", {});
  const auto alone = ledgers.open("airflow", "", {});
  CHECK(std::filesystem::exists(directory.path() / "dbt.a%20shop%2F%C3%A9.ledger"));
  CHECK(std::filesystem::exists(directory.path() / "airflow.ledger"));
}

TEST_CASE("the ledgers that somebody holds say what they have, by purpose and source") {
  Ledgers ledgers({});
  const auto held = ledgers.open("dbt", "shop", {});
  ledgers.open("dbt", "bank", {});
  {
    auto run = held.begin(soon(), kStart + 1h);
    run.record(kTasks, {"a", Ledger::wall_clock()}, 1, "ok");
    run.record(kTasks, {"a", Ledger::wall_clock()}, 2, "ok");
    run.commit();
  }
  const auto figures = held->figures().value();
  const auto start = std::chrono::duration<double>(figures.started.time_since_epoch()).count();
  Samples samples, expected;
  ledgers.add_to(samples);
  const std::vector<double> values = {
      1,     1,          1,     0,     2, 0, 0, static_cast<double>(figures.size_bytes),
      start, 1576803600, start, start, 0};
  const auto metrics = Ledgers::metrics();
  REQUIRE(metrics.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    expected.add(metrics[i], values[i], std::array<std::string_view, 2>{"dbt", "shop"});
  }
  CHECK(page(samples) == page(expected));
  CHECK(figures.size_bytes > 0);
}

TEST_CASE("ledgers of one source have no label for it") {
  Ledgers ledgers({});
  const auto held = ledgers.open("airflow", "", {});
  Samples samples;
  ledgers.add_to(samples);
  CHECK(page(samples).find("exporter_ledger_series{ledger=\"airflow\"} 0\n") != std::string::npos);
}

TEST_CASE("the families of ledgers have a sentence for help and both labels") {
  for (const auto& metric : Ledgers::metrics()) {
    CAPTURE(metric.name);
    CHECK(std::ranges::equal(metric.labels, std::array<std::string_view, 2>{"ledger", "source"}));
    CHECK(metric.help.ends_with('.'));
  }
}

TEST_CASE("a ledger that nobody holds is closed when another one is opened") {
  const TemporaryDirectory directory;
  Ledgers ledgers(directory.path());
  ledgers.open("dbt", "shop", {});
  CHECK(error_of(Reason::io, [&] { Ledger("dbt.shop", directory.path()); }) ==
        (directory.path() / "dbt.shop.ledger").string() + ": in use by another process");
  const auto other = ledgers.open("dbt", "bank", {});
  Ledger("dbt.shop", directory.path());
  CHECK(&*ledgers.open("dbt", "bank", {}) == &*other);
}

TEST_CASE("a ledger that cannot be opened can be opened later") {
  const TemporaryDirectory directory;
  Ledgers ledgers(directory.path() / "a" / "b");
  CHECK(error_of(Reason::io, [&] { ledgers.open("dbt", "shop", {}); }) ==
        "state directory " + (directory.path() / "a" / "b").string() +
            ": No such file or directory");
  std::filesystem::create_directory(directory.path() / "a");
  CHECK(ledgers.open("dbt", "shop", {})->figures()->series == 0);
}

TEST_CASE("migrations apply to the ledger that they are opened with") {
  const TemporaryDirectory directory;
  constexpr auto kJobs = counter("test_jobs_total", "Jobs.", "state");
  {
    Ledgers ledgers(directory.path());
    auto run = ledgers.open("dbt", "shop", {}).begin(soon());
    run.record(kTasks, {"a", Ledger::wall_clock()}, 1, "ok");
    run.commit();
  }
  Ledgers ledgers(directory.path());
  const auto shop =
      ledgers.open("dbt", "shop", {}, {{.name = "to jobs", .from = kTasks, .to = kJobs}});
  { const auto run = shop.begin(soon()); }
  Samples samples;
  shop->add_to(samples, kJobs);
  CHECK(samples.size() == 1);
}

TEST_CASE("figures are read while ledgers are opened, run and closed") {
  const TemporaryDirectory directory;
  Ledgers ledgers(directory.path());
  const auto held = ledgers.open("dbt", "held", {});
  std::atomic<bool> is_missing = false;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        Samples samples;
        ledgers.add_to(samples);
        if (samples.size() < 13) is_missing = true;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const auto opened = ledgers.open("dbt", std::to_string(i % 3), {});
    auto run = opened.begin(soon());
    run.record(kTasks, {std::to_string(i), Ledger::wall_clock()}, 1, "ok");
    run.commit();
  }
  threads.clear();
  CHECK_FALSE(is_missing);
}
