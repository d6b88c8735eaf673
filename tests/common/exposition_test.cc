#include "common/collect/exposition.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <regex>
#include <thread>

#include "tests/support/gunzip.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kA = gauge("demo_a", "A.");
constexpr auto kB = counter("demo_b_total", "B.");

Collector collector(std::string name, MetricView metric, CollectFunction collect) {
  return {.name = std::move(name), .metrics = {metric}, .collect = std::move(collect)};
}

std::vector<Collector> two() {
  std::vector<Collector> collectors;
  collectors.push_back(collector("a", kA, [](Samples& s, const Deadline&) { s.add(kA, 1); }));
  collectors.push_back(collector("b", kB, [](Samples& s, const Deadline&) { s.add(kB, 2); }));
  return collectors;
}

Exposition::Options options() {
  Exposition::Options options;
  options.count_failure = [](const Collector&, Reason) {};
  return options;
}

Exposition::Query query(Format format = Format::text, bool gzip = false) {
  return {format, gzip, {}, {}, Clock::now() + 30s};
}

/// Times and durations differ from run to run.
std::string without_times(const std::string& page) {
  static const std::regex kTimes("(_seconds\\{collector=\"[ab]\"\\}) [0-9.e+-]+");
  return std::regex_replace(page, kTimes, "$1 T");
}

const std::string kStatus =
    "# HELP exporter_collector_success Whether the collector's last run succeeded.\n"
    "# TYPE exporter_collector_success gauge\n"
    "exporter_collector_success{collector=\"a\"} 1\n"
    "exporter_collector_success{collector=\"b\"} 1\n"
    "# HELP exporter_collector_samples Samples of the collector's last run.\n"
    "# TYPE exporter_collector_samples gauge\n"
    "exporter_collector_samples{collector=\"a\"} 1\n"
    "exporter_collector_samples{collector=\"b\"} 1\n"
    "# HELP exporter_collector_duplicate_samples Samples of the collector's last run that were "
    "left out: duplicate series, and families whose name another collector uses.\n"
    "# TYPE exporter_collector_duplicate_samples gauge\n"
    "exporter_collector_duplicate_samples{collector=\"a\"} 0\n"
    "exporter_collector_duplicate_samples{collector=\"b\"} 0\n"
    "# HELP exporter_collector_dropped_series Series that a cardinality limit kept out of the "
    "collector's last run; objects, if the number of their series is unknown.\n"
    "# TYPE exporter_collector_dropped_series gauge\n"
    "exporter_collector_dropped_series{collector=\"a\"} 0\n"
    "exporter_collector_dropped_series{collector=\"b\"} 0\n"
    "# HELP exporter_collector_duration_seconds Duration of the collector's last run in seconds.\n"
    "# TYPE exporter_collector_duration_seconds gauge\n"
    "exporter_collector_duration_seconds{collector=\"a\"} T\n"
    "exporter_collector_duration_seconds{collector=\"b\"} T\n"
    "# HELP exporter_collector_last_success_timestamp_seconds Time of the collector's last "
    "successful run, in seconds since 1970; absent before the first.\n"
    "# TYPE exporter_collector_last_success_timestamp_seconds gauge\n"
    "exporter_collector_last_success_timestamp_seconds{collector=\"a\"} T\n"
    "exporter_collector_last_success_timestamp_seconds{collector=\"b\"} T\n";

const std::string kTextA = "# HELP demo_a A.\n# TYPE demo_a gauge\ndemo_a 1\n";

}  // namespace

TEST_CASE("the page holds the collectors' samples and how their runs went") {
  Exposition exposition(two(), options());
  CHECK(without_times(exposition.scrape(query()).joined()) ==
        kTextA + "# HELP demo_b_total B.\n# TYPE demo_b_total counter\ndemo_b_total 2\n" + kStatus);
  CHECK(without_times(exposition.scrape(query(Format::openmetrics)).joined()) ==
        kTextA + "# HELP demo_b B.\n# TYPE demo_b counter\ndemo_b_total 2\n" + kStatus + "# EOF\n");
}

TEST_CASE("of what waits for nothing the page says how its run went, but no times") {
  auto collectors = two();
  collectors[0].schedule = OnScrape{.waits_for_nothing = true};
  Exposition exposition(std::move(collectors), options());
  auto expected = kStatus;
  for (const std::string name : {"duration_seconds", "last_success_timestamp_seconds"}) {
    const auto line = "exporter_collector_" + name + "{collector=\"a\"} T\n";
    expected.erase(expected.find(line), line.size());
  }
  const auto page = without_times(exposition.scrape(query()).joined());
  CHECK(page.substr(page.find("# HELP exporter_")) == expected);
}

TEST_CASE("the compressed page is one gzip member of the plain one") {
  Exposition exposition(two(), options());
  for (const auto format : {Format::text, Format::openmetrics}) {
    const auto plain = exposition.scrape(query(format)).joined();
    const auto body = exposition.scrape(query(format, true));
    CHECK(body.joined().size() == body.size());
    CHECK(without_times(gunzip_one_member(body.joined())) == without_times(plain));
  }
}

TEST_CASE("collect and exclude choose collectors, and collect refuses unknown names") {
  auto with_foreign = options();
  with_foreign.foreign = {"foreign"};
  Exposition exposition(two(), std::move(with_foreign));
  const auto has = [&](std::vector<std::string> collect, std::vector<std::string> exclude) {
    auto asked = query();
    asked.collect = std::move(collect);
    asked.exclude = std::move(exclude);
    const auto page = exposition.scrape(asked).joined();
    return std::pair(page.find("\ndemo_a 1") != std::string::npos,
                     page.find("success{collector=\"b\"}") != std::string::npos);
  };
  CHECK(has({"a"}, {}) == std::pair(true, false));
  CHECK(has({"b", "b"}, {}) == std::pair(false, true));
  CHECK(has({}, {"b"}) == std::pair(true, false));
  CHECK_THROWS_WITH(has({"c"}, {}), "there is no enabled collector \"c\"");
  CHECK(has({}, {"b", "c"}) == std::pair(true, false));
  CHECK(has({"foreign"}, {}) == std::pair(false, false));
  CHECK(has({"foreign", "a"}, {}) == std::pair(true, false));
  CHECK_THROWS_WITH(has({"a"}, {"b"}), "collect[] and exclude[] are mutually exclusive");
}

TEST_CASE("two collectors may not declare the same metric") {
  auto collectors = two();
  collectors[1].metrics = {kA};
  CHECK_THROWS_WITH(Exposition(std::move(collectors), options()),
                    "metric demo_a is declared by a and by b");
}

TEST_CASE("a family whose name is another collector's is left out, counted and told of") {
  const auto rows = [](double value) {
    return [value](Samples& samples, const Deadline&) {
      samples.add_named(MetricType::gauge, "rows", "Rows.", value, {{"q", "a"}});
      samples.add_named(MetricType::gauge, "exporter_build_info", "Mine.", 7);
      samples.add_named(MetricType::gauge, value > 1 ? "more" : "less", "Other.", value);
    };
  };
  std::vector<Collector> collectors;
  collectors.push_back({.name = "a", .collect = rows(1)});
  collectors.push_back({.name = "b", .collect = rows(2)});
  constexpr auto kBuild = info("exporter_build_info", "Build.");
  auto own = options();
  own.self_metrics = {kBuild};
  Exposition exposition(std::move(collectors), std::move(own));
  for (int scrape = 0; scrape < 2; ++scrape) {
    const auto page = exposition.scrape(query(Format::openmetrics)).joined();
    CHECK(
        page.starts_with("# HELP rows Rows.\n# TYPE rows gauge\nrows{q=\"a\"} 1\n"
                         "# HELP less Other.\n# TYPE less gauge\nless 1\n"
                         "# HELP more Other.\n# TYPE more gauge\nmore 2\n"
                         "# HELP exporter_collector_success"));
    CHECK(page.find("duplicate_samples{collector=\"a\"} 1") != page.npos);
    CHECK(page.find("duplicate_samples{collector=\"b\"} 2") != page.npos);
    CHECK(page.find("collector_samples{collector=\"b\"} 1") != page.npos);
  }
}

TEST_CASE("a run that failed has no samples, though a family of the one before is left out") {
  std::atomic<int> runs = 0;
  std::vector<Collector> collectors;
  for (const auto* name : {"a", "b"}) {
    collectors.push_back({.name = name,
                          .schedule = Every{name[0] == 'a' ? 1h : 1ms, 1h},
                          .collect = [&, name](Samples& samples, const Deadline&) {
                            if (name[0] == 'b' && ++runs > 1) throw Error(Reason::io, "gone");
                            samples.add_named(MetricType::gauge, "rows", "Rows.", 1);
                            samples.add_named(MetricType::gauge, name, "Other.", 2);
                          }});
  }
  Exposition exposition(std::move(collectors), options());
  while (!exposition.ready() || runs < 3) std::this_thread::sleep_for(1ms);
  const auto page = exposition.scrape(query()).joined();
  CHECK(page.find("\nb 2\n") != page.npos);
  CHECK(page.find("collector_samples{collector=\"a\"} 2\n") != page.npos);
  CHECK(page.find("collector_samples{collector=\"b\"} 0\n") != page.npos);
  CHECK(page.find("duplicate_samples{collector=\"b\"} 0\n") != page.npos);
}

TEST_CASE("a family is shown once the collector that had its name no longer uses it") {
  bool uses_rows = true;
  std::vector<Collector> collectors;
  collectors.push_back({.name = "a", .collect = [&](Samples& samples, const Deadline&) {
                          if (uses_rows) samples.add_named(MetricType::gauge, "rows", "Rows.", 1);
                        }});
  collectors.push_back(
      {.name = "b", .schedule = Every{1h, 1h}, .collect = [](Samples& samples, const Deadline&) {
         samples.add_named(MetricType::gauge, "rows", "Rows.", 2);
       }});
  Exposition exposition(std::move(collectors), options());
  bool failed = false;
  exposition.scrape_once(Format::text, Clock::now() + 30s, failed);
  CHECK(exposition.scrape(query(Format::text)).joined().find("\nrows 1\n") != std::string::npos);
  uses_rows = false;
  CHECK(exposition.scrape(query(Format::text)).joined().find("\nrows 2\n") != std::string::npos);
}

TEST_CASE("a collector may not declare what the exporter says of itself") {
  constexpr auto kSuccess = gauge("exporter_collector_success", "Mine.");
  auto collectors = two();
  collectors[1].metrics = {kSuccess};
  CHECK_THROWS_WITH(
      Exposition(std::move(collectors), options()),
      "metric exporter_collector_success is declared by the exporter itself and by b");
}

TEST_CASE("a failed collector leaves the others' samples, and once tells that it failed") {
  auto collectors = two();
  collectors[0].collect = [](Samples&, const Deadline&) { throw Error(Reason::io, "no"); };
  Exposition exposition(std::move(collectors), options());
  bool failed = false;
  const auto page = exposition.scrape_once(Format::text, Clock::now() + 30s, failed).joined();
  CHECK(failed);
  CHECK(page.find("demo_a") == std::string::npos);
  CHECK(page.find("demo_b_total 2") != std::string::npos);
  CHECK(page.find("exporter_collector_success{collector=\"a\"} 0") != std::string::npos);
}

TEST_CASE("once, what is read on scrape comes after what runs in the background") {
  auto collectors = two();
  std::atomic<int> counted = 0;
  collectors[0].collect = [&](Samples& samples, const Deadline&) { samples.add(kA, counted); };
  collectors[1].schedule = Every{1h, 1h};
  collectors[1].collect = [&](Samples&, const Deadline&) {
    std::this_thread::sleep_for(50ms);
    counted = 7;
  };
  Exposition exposition(std::move(collectors), options());
  bool failed = false;
  const auto page = exposition.scrape_once(Format::text, Clock::now() + 30s, failed).joined();
  CHECK_FALSE(failed);
  CHECK(page.find("demo_a 7\n") != std::string::npos);
}
