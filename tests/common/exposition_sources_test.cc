#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <thread>

#include "common/collect/exposition.h"
#include "tests/support/gunzip.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kA = gauge("demo_a", "A.");
constexpr auto kPlaces = gauge("demo_places", "Places.", "place");
constexpr auto kSize = gauge("demo_size", "Size.", "place", "n");

Collector of_source(std::string name, std::string source, CollectFunction collect) {
  return {.name = std::move(name), .source = std::move(source), .collect = std::move(collect)};
}

Exposition::Options options() {
  Exposition::Options options;
  options.outcomes.source_label = "place";
  options.outcomes.up_name = "demo_up";
  options.count_failure = [](const Collector&, Reason) {};
  return options;
}

Exposition::Query query(Format format = Format::text, bool gzip = false) {
  return {format, gzip, {}, {}, Clock::now() + 60s};
}

std::string page(Exposition& exposition) { return exposition.scrape(query()).joined(); }

/// The lines of the page that start with `begin`.
std::vector<std::string> lines(const std::string& page, const std::string& begin) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < page.size();) {
    const auto end = page.find('\n', at);
    if (page.compare(at, begin.size(), begin) == 0) found.push_back(page.substr(at, end - at));
    at = end + 1;
  }
  return found;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("collectors of one name stand on the page as one, each with an outcome of its own") {
  std::map<std::string, double> values{{"x", 1}, {"y", 2}, {"z", 3}};
  std::vector<Collector> collectors;
  for (const auto* name : {"x", "y", "z"}) {
    collectors.push_back(of_source("read", name, [&values, name](Samples& s, const Deadline&) {
      if (!values.contains(name)) throw Error(Reason::io, "no");
      s.add(kPlaces, values[name], name);
    }));
    if (collectors.size() > 1) continue;
    collectors.push_back({.name = "a", .metrics = {kA}, .collect = [](Samples& s, const Deadline&) {
                            s.add(kA, 1);
                          }});
  }
  Exposition exposition(std::move(collectors), options());
  const auto places = [&](std::vector<std::string> collect = {},
                          std::vector<std::string> exclude = {}) {
    auto asked = query();
    asked.collect = collect;
    asked.exclude = exclude;
    const auto plain = exposition.scrape(asked).joined();
    asked.gzip = true;
    const auto packed = gunzip_one_member(exposition.scrape(asked).joined());
    CHECK(lines(packed, "demo_places") == lines(plain, "demo_places"));
    CHECK(lines(plain, "# HELP demo_places").size() <= 1);
    return lines(plain, "demo_places");
  };
  const std::string x = R"(demo_places{place="x"} 1)", y = R"(demo_places{place="y"} 2)",
                    z = R"(demo_places{place="z"} 3)";
  CHECK(places() == Lines{x, y, z});
  CHECK(places({"read"}) == Lines{x, y, z});
  CHECK(places({"a"}).empty());
  CHECK(places({}, {"read"}).empty());

  values.erase("y");
  CHECK(places() == Lines{x, z});
  CHECK(lines(page(exposition), "exporter_collector_success") ==
        Lines{R"(exporter_collector_success{collector="read",source="x"} 1)",
              R"(exporter_collector_success{collector="read",source="y"} 0)",
              R"(exporter_collector_success{collector="read",source="z"} 1)",
              R"(exporter_collector_success{collector="a"} 1)"});
  values["y"] = 5;
  CHECK(places() == Lines{x, R"(demo_places{place="y"} 5)", z});
}

TEST_CASE("outcomes are of the last runs, whichever collectors were asked for before") {
  std::atomic<int> places = 1;
  auto background = of_source("read", "x", [&](Samples& s, const Deadline&) {
    for (int i = 0; i < places; ++i) s.add(kSize, i, "x", std::to_string(i));
  });
  background.schedule = Every{1ms, 1h};
  auto other = of_source("list", "x", [](Samples&, const Deadline&) {});
  other.schedule = Every{1h, 1h};
  Exposition exposition(
      {std::move(background),
       {.name = "a", .metrics = {kA}, .collect = [](Samples& s, const Deadline&) { s.add(kA, 1); }},
       std::move(other)},
      options());
  const auto sizes = [&](std::vector<std::string> collect) {
    auto asked = query();
    asked.collect = std::move(collect);
    return lines(exposition.scrape(asked).joined(), "exporter_collector_samples");
  };
  const std::string read = R"(exporter_collector_samples{collector="read",source="x"} )",
                    list = R"(exporter_collector_samples{collector="list",source="x"} 0)",
                    a = R"(exporter_collector_samples{collector="a"} 1)";
  for (const int count : {1, 3, 2}) {
    places = count;
    const Lines all = {read + std::to_string(count), list, a};
    const auto give_up = Clock::now() + 60s;
    while (sizes({}) != all && Clock::now() < give_up) std::this_thread::sleep_for(1ms);
    CHECK(sizes({"list"}) == Lines{list});
    CHECK(sizes({"a", "list"}) == Lines{list, a});
    CHECK(sizes({"a"}) == Lines{a});
    CHECK(sizes({}) == all);
  }
}

TEST_CASE("of large families each source has its piece, which stays when another changes") {
  std::map<std::string, int> versions{{"x", 0}, {"y", 0}};
  std::vector<Collector> collectors;
  for (const auto* name : {"x", "y"}) {
    collectors.push_back(of_source("read", name, [&versions, name](Samples& s, const Deadline&) {
      s.add(kPlaces, versions[name], name);
      for (int i = 0; i < 5000; ++i) s.add(kSize, versions[name], name, std::to_string(i));
    }));
  }
  Exposition exposition(std::move(collectors), options());
  for (const bool gzip : {false, true}) {
    const auto parts = [&] { return exposition.scrape(query(Format::text, gzip)); };
    const auto has_all = [](const Body& body, const Body& of, std::size_t least) {
      std::size_t shared = 0;
      for (const auto& part : body.parts()) {
        for (const auto& other : of.parts()) {
          shared += part.data() == other.data() && part.size() > 5000 ? 1 : 0;
        }
      }
      return shared >= least;
    };
    const auto first = parts();
    const auto same = parts();
    CHECK(has_all(same, first, 2));
    ++versions["x"];
    const auto changed = parts();
    CHECK(has_all(changed, first, 1));
    CHECK_FALSE(has_all(changed, first, 2));
    const auto text = gzip ? gunzip_one_member(changed.joined()) : changed.joined();
    CHECK(lines(text, "demo_size").size() == 10000);
    CHECK(lines(text, "# TYPE demo_size").size() == 1);
    CHECK(lines(text, "demo_places")[0] ==
          R"(demo_places{place="x"} )" + std::to_string(versions["x"]));
  }
}

TEST_CASE("small and large families of several sources have their exemplars in OpenMetrics alone") {
  constexpr auto kSeconds = histogram("demo_seconds", "Seconds.", "place", "n");
  const std::map<std::string, int> sizes{{"small", 2}, {"large", 500}};
  std::vector<Collector> collectors;
  for (const auto& [name, size] : sizes) {
    collectors.push_back(of_source("read", name, [&, name = name](Samples& s, const Deadline&) {
      const double bounds[] = {1};
      const std::uint64_t counts[] = {1, 1};
      for (int i = 0; i < sizes.at(name); ++i) {
        const auto n = std::to_string(i);
        const Label run[] = {{"run_id", n}};
        const std::vector<std::string> exemplars = {exemplar(run, 0.5, {}), ""};
        const std::string_view labels[] = {name, n};
        s.add_histogram(MetricView(kSeconds), bounds, counts, 3, labels, exemplars);
      }
    }));
  }
  Exposition exposition(std::move(collectors), options());
  const auto text = page(exposition);
  CHECK(lines(text, "demo_seconds_bucket").size() == 1004);
  CHECK(text.find("run_id") == std::string::npos);
  const auto open = exposition.scrape(query(Format::openmetrics)).joined();
  for (const auto& [name, size] : sizes) {
    CHECK(lines(open, "demo_seconds_bucket{place=\"" + name + "\",n=\"1\"") ==
          Lines{"demo_seconds_bucket{place=\"" + name +
                    "\",n=\"1\",le=\"1.0\"} 1 # {run_id=\"1\"} 0.5 0",
                "demo_seconds_bucket{place=\"" + name + "\",n=\"1\",le=\"+Inf\"} 2"});
  }
  const auto seconds = [](const std::string& page) { return lines(page, "demo_seconds"); };
  const auto unpacked = [&](Format format) {
    return gunzip_one_member(exposition.scrape(query(format, true)).joined());
  };
  CHECK(seconds(unpacked(Format::openmetrics)) == seconds(open));
  CHECK(seconds(unpacked(Format::text)) == seconds(text));
}

TEST_CASE("a source is up by the last run of its most frequent collectors") {
  std::mutex mutex;
  std::map<std::string, Error> errors;
  const auto background = [&](std::string name, std::string source, Clock::duration interval) {
    auto collector = of_source(name, source, [&, name](Samples&, const Deadline&) {
      const std::lock_guard lock(mutex);
      const auto found = errors.find(name);
      if (found != errors.end()) throw Error(found->second);
    });
    collector.schedule = Every{interval, 1h};
    return collector;
  };
  std::vector<Collector> collectors;
  collectors.push_back(background("often", "x", 1h));
  collectors.push_back(background("too", "x", 1h));
  collectors.push_back(background("seldom", "x", 2h));
  collectors.push_back(background("reaches nothing", "x", 30min));
  collectors.back().says_up = false;
  Exposition exposition(std::move(collectors), options());
  const auto up = [&](std::vector<std::string> failing, Reason reason) {
    {
      const std::lock_guard lock(mutex);
      errors.clear();
      for (const auto& name : failing) errors.emplace(name, Error(reason, "no"));
    }
    bool failed = false;
    const auto text = exposition.scrape_once(Format::text, Clock::now() + 60s, failed).joined();
    CHECK(failed == !failing.empty());
    return lines(text, "demo_up");
  };
  const Lines is_up{R"(demo_up{place="x"} 1)"}, is_down{R"(demo_up{place="x"} 0)"};
  CHECK(up({}, Reason::connect) == is_up);
  CHECK(up({"often"}, Reason::connect) == is_up);
  CHECK(up({"seldom"}, Reason::connect) == is_up);
  CHECK(up({"often", "too"}, Reason::connect) == is_down);
  CHECK(up({"often", "too"}, Reason::query) == is_up);
  CHECK(up({"often", "too"}, Reason::auth) == is_down);
}

TEST_CASE("one run of all takes as long as those that wait for a place of their source's too") {
  std::vector<Collector> collectors;
  const auto add = [&](std::string name, std::string source, Clock::duration timeout,
                       std::size_t at_once) {
    auto collector =
        of_source(std::move(name), std::move(source), [](Samples&, const Deadline&) {});
    collector.timeout = timeout;
    collector.at_once = at_once;
    collectors.push_back(std::move(collector));
  };
  for (const auto* name : {"a", "b", "c", "d", "e"}) add(name, "x", 4s, 2);
  add("beside", "x", 1s, 0);
  for (const auto* name : {"a", "b", "c", "d", "e"}) add(name, "y", 9s, 0);
  CHECK(Exposition(collectors, options()).longest_once() == 12s);
  add("f", "y", 13s, 0);
  CHECK(Exposition(collectors, options()).longest_once() == 13s);
  add("g", "x", Clock::duration::max() / 2, 2);
  CHECK(Exposition(collectors, options()).longest_once() == Clock::duration::max());
}

TEST_CASE("a source whose collector hangs is down, although its last good samples are shown") {
  std::atomic<bool> hang = false;
  auto collector = of_source("read", "x", [&](Samples& samples, const Deadline& deadline) {
    samples.add(kPlaces, 1, "x");
    while (hang) {
      if (deadline.stop().stop_requested()) return;
      std::this_thread::sleep_for(1ms);
    }
  });
  collector.schedule = Every{1ms, 1h};
  collector.timeout = 10ms;
  Exposition exposition({collector}, options());
  const auto give_up = Clock::now() + 60s;
  const auto wait_for = [&](const char* up) {
    while (lines(page(exposition), "demo_up") != Lines{up} && Clock::now() < give_up) {
      std::this_thread::sleep_for(1ms);
    }
    CHECK(lines(page(exposition), "demo_places") == Lines{R"(demo_places{place="x"} 1)"});
    return lines(page(exposition), "demo_up") == Lines{up};
  };
  CHECK(wait_for(R"(demo_up{place="x"} 1)"));
  hang = true;
  CHECK(wait_for(R"(demo_up{place="x"} 0)"));
  hang = false;
  CHECK(wait_for(R"(demo_up{place="x"} 1)"));
}

TEST_CASE("before its first run nothing is said of a source") {
  auto collector = of_source("read", "x", [](Samples&, const Deadline&) {});
  collector.schedule = Every{1000h, 1h};
  Exposition exposition({collector}, options());
  CHECK(lines(page(exposition), "demo_up").empty());
}

TEST_CASE("after a reload a family is shown once, though another collector has it now") {
  const auto collector = [](std::string name, std::vector<MetricView> metrics, double value) {
    auto made = of_source(std::move(name), "x", [metrics, value](Samples& s, const Deadline&) {
      if (value == 0) throw Error(Reason::connect, "refused");
      const std::string_view place = "x";
      for (const auto& metric : metrics) s.add(metric, value, std::span(&place, 1));
    });
    made.schedule = Every{1h, 1h};
    made.metrics = std::move(metrics);
    return made;
  };
  constexpr auto kMoved = gauge("demo_moved", "Moved.", "place");
  bool failed = false;
  Exposition old({collector("a", {kPlaces, kMoved}, 1)}, options());
  old.scrape_once(Format::text, Clock::now() + 60s, failed);
  Exposition next({collector("a", {kPlaces}, 0), collector("b", {kMoved}, 2)}, options());
  next.inherit(old);
  const auto page = next.scrape_once(Format::text, Clock::now() + 60s, failed).joined();
  CHECK(lines(page, "# TYPE demo_moved") == Lines{"# TYPE demo_moved gauge"});
  CHECK(lines(page, "demo_moved") == Lines{R"(demo_moved{place="x"} 2)"});
  CHECK(lines(page, "demo_places{") == Lines{R"(demo_places{place="x"} 1)"});
}
