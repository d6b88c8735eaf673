#include "common/collect/exposition.h"

#include <catch2/catch.hpp>
#include <map>
#include <regex>

#include "tests/support/gunzip.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kA = gauge("demo_a", "A.");
constexpr auto kB = counter("demo_b_total", "B.");
constexpr auto kPlaces = gauge("demo_places", "Places.", "name");

Collector collector(std::string name, MetricView metric, CollectFunction collect) {
  return {std::move(name), OnScrape{}, 10s, {metric}, std::move(collect)};
}

std::vector<Collector> two() {
  std::vector<Collector> collectors;
  collectors.push_back(collector("a", kA, [](Samples& s, const Deadline&) { s.add(kA, 1); }));
  collectors.push_back(collector("b", kB, [](Samples& s, const Deadline&) { s.add(kB, 2); }));
  return collectors;
}

Exposition::Options options() {
  Exposition::Options options;
  options.count_failure = [](const std::string&, Reason) {};
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
    "# HELP exporter_collector_duplicate_samples Samples of the last run that were left out "
    "because "
    "their series was there already.\n"
    "# TYPE exporter_collector_duplicate_samples gauge\n"
    "exporter_collector_duplicate_samples{collector=\"a\"} 0\n"
    "exporter_collector_duplicate_samples{collector=\"b\"} 0\n"
    "# HELP exporter_collector_dropped_series Series that a cardinality limit left out of the last "
    "run; where their number is not known, the objects that they belong to.\n"
    "# TYPE exporter_collector_dropped_series gauge\n"
    "exporter_collector_dropped_series{collector=\"a\"} 0\n"
    "exporter_collector_dropped_series{collector=\"b\"} 0\n"
    "# HELP exporter_collector_duration_seconds How long the collector's last run took.\n"
    "# TYPE exporter_collector_duration_seconds gauge\n"
    "exporter_collector_duration_seconds{collector=\"a\"} T\n"
    "exporter_collector_duration_seconds{collector=\"b\"} T\n"
    "# HELP exporter_collector_last_success_timestamp_seconds When the collector last succeeded, "
    "in "
    "seconds since 1970; absent before the first time.\n"
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

TEST_CASE("the compressed page is one gzip member of the plain one") {
  Exposition exposition(two(), options());
  for (const auto format : {Format::text, Format::openmetrics}) {
    const auto plain = exposition.scrape(query(format)).joined();
    const auto body = exposition.scrape(query(format, true));
    CHECK(body.joined().size() == body.size());
    CHECK(without_times(gunzip_one_member(body.joined())) == without_times(plain));
  }
}

TEST_CASE("collect and exclude choose collectors, and refuse names that there are not") {
  Exposition exposition(two(), options());
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
  CHECK_THROWS_WITH(has({"c"}, {}), "no collector is named \"c\" and enabled");
  CHECK_THROWS_WITH(has({}, {"c"}), "no collector is named \"c\" and enabled");
  CHECK_THROWS_WITH(has({"a"}, {"b"}), "collect[] and exclude[] exclude each other");
}

TEST_CASE("two collectors may not declare the same metric") {
  auto collectors = two();
  collectors[1].metrics = {kA};
  CHECK_THROWS_WITH(Exposition(std::move(collectors), options()),
                    "metric demo_a is declared by a and by b");
}

TEST_CASE("collectors of one group stand on the page as one, each with an outcome of its own") {
  std::map<std::string, double> values{{"x", 1}, {"y", 2}, {"z", 3}};
  std::vector<Collector> collectors;
  for (const auto* name : {"x", "y", "z"}) {
    collectors.push_back(collector(std::string("sources/") + name, kPlaces,
                                   [&values, name](Samples& samples, const Deadline&) {
                                     if (!values.contains(name)) throw Error(Reason::io, "no");
                                     samples.add(kPlaces, values[name], name);
                                   }));
    collectors.back().group = "sources";
    if (collectors.size() == 1) collectors.push_back(two().at(0));
  }
  Exposition exposition(std::move(collectors), options());
  const auto places = [&](std::vector<std::string> collect = {},
                          std::vector<std::string> exclude = {}) {
    for (const bool gzip : {true, false}) {
      auto asked = query(Format::text, gzip);
      asked.collect = collect;
      asked.exclude = exclude;
      auto page = exposition.scrape(asked).joined();
      if (gzip) page = gunzip_one_member(page);
      const auto begin = page.find("# HELP demo_places");
      const auto end = page.find("# HELP", page.find("# TYPE demo_places"));
      CHECK(page.find("# HELP demo_places", end) == page.npos);
      if (!gzip) return begin == page.npos ? "" : page.substr(begin, end - begin);
    }
    return std::string();
  };
  const std::string head = "# HELP demo_places Places.\n# TYPE demo_places gauge\n";
  const std::string x = "demo_places{name=\"x\"} 1\n", y = "demo_places{name=\"y\"} 2\n",
                    z = "demo_places{name=\"z\"} 3\n";
  CHECK(places() == head + x + y + z);
  CHECK(places({"sources"}) == head + x + y + z);
  CHECK(places({"sources/y"}) == head + y);
  CHECK(places({}, {"sources/y"}) == head + x + z);
  CHECK(places({}, {"sources"}).empty());

  values.erase("y");
  CHECK(places() == head + x + z);
  const auto page = exposition.scrape(query()).joined();
  CHECK(page.find("exporter_collector_success{collector=\"sources/y\"} 0") != page.npos);
  CHECK(page.find("exporter_collector_success{collector=\"sources/z\"} 1") != page.npos);
  CHECK(page.find("demo_a 1") != page.npos);
  values["y"] = 5;
  CHECK(places() == head + x + "demo_places{name=\"y\"} 5\n" + z);
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
