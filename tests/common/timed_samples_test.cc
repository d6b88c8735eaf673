#include "common/metric/timed_samples.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace exporter;
using std::chrono::seconds;
using std::chrono::sys_seconds;

namespace {

constexpr auto kThings = counter("things_total", "Things.", "kind");
constexpr auto kSize = gauge("size_bytes", "Size.");
constexpr auto kTime = histogram("time_seconds", "Time.", "kind");
constexpr double kBounds[] = {1};

sys_seconds at(int time) { return sys_seconds(seconds(time)); }

Samples things(double count, std::string_view kind = "a") {
  Samples samples;
  samples.add(kThings, count, kind);
  return samples;
}

std::string written(TimedSamples& page) {
  std::string text;
  page.write([&](std::string_view part) { text += part; });
  return text;
}

}  // namespace

TEST_CASE("samples of many times are a page with timestamps, series by series") {
  TimedSamples page;
  auto first = things(5);
  first.add(kSize, 1.5);
  page.add(std::move(first), at(100), at(40));
  auto second = things(7);
  second.add(kThings, 1, "b\"\n");
  second.add(kSize, INFINITY);
  page.add(std::move(second), at(160), at(100));
  CHECK(page.size() == 7);
  CHECK(written(page) == R"(# HELP size_bytes Size.
# TYPE size_bytes gauge
size_bytes 1.5 100
size_bytes +Inf 160
# HELP things Things.
# TYPE things counter
things_total{kind="a"} 0 40
things_total{kind="a"} 5 100
things_total{kind="a"} 7 160
things_total{kind="b\"\n"} 0 100
things_total{kind="b\"\n"} 1 160
# EOF
)");
}

TEST_CASE("a page goes on where the one before ended") {
  TimedSamples page;
  CHECK(written(page).empty());
  page.add(things(5), at(100), at(40));
  written(page);
  CHECK(written(page).empty());
  page.add(things(6), at(160), at(100));
  CHECK(written(page) == R"(# HELP things Things.
# TYPE things counter
things_total{kind="a"} 6 160
# EOF
)");
}

TEST_CASE("a histogram is written point by point, and what counts can be reset") {
  TimedSamples page;
  for (int time : {100, 160}) {
    Samples samples;
    const std::uint64_t counts[] = {2, 1};
    samples.add_histogram(kTime, kBounds, counts, 4.5, "a");
    samples.add_histogram(kTime, kBounds, counts, 4.5, "b");
    page.add(std::move(samples), at(time), at(time));
  }
  Samples last;
  const std::uint64_t counts[] = {2, 1};
  last.add_histogram(kTime, kBounds, counts, 4.5, "a");
  last.add(kSize, 3);
  page.add_reset(std::move(last), at(161));
  CHECK(written(page) == R"(# HELP time_seconds Time.
# TYPE time_seconds histogram
time_seconds_bucket{kind="a",le="1.0"} 2 100
time_seconds_bucket{kind="a",le="+Inf"} 3 100
time_seconds_sum{kind="a"} 4.5 100
time_seconds_count{kind="a"} 3 100
time_seconds_bucket{kind="a",le="1.0"} 2 160
time_seconds_bucket{kind="a",le="+Inf"} 3 160
time_seconds_sum{kind="a"} 4.5 160
time_seconds_count{kind="a"} 3 160
time_seconds_bucket{kind="a",le="1.0"} 0 161
time_seconds_bucket{kind="a",le="+Inf"} 0 161
time_seconds_sum{kind="a"} 0 161
time_seconds_count{kind="a"} 0 161
time_seconds_bucket{kind="b",le="1.0"} 2 100
time_seconds_bucket{kind="b",le="+Inf"} 3 100
time_seconds_sum{kind="b"} 4.5 100
time_seconds_count{kind="b"} 3 100
time_seconds_bucket{kind="b",le="1.0"} 2 160
time_seconds_bucket{kind="b",le="+Inf"} 3 160
time_seconds_sum{kind="b"} 4.5 160
time_seconds_count{kind="b"} 3 160
# EOF
)");
}

TEST_CASE("labels that a scrape adds are in each series") {
  const Label labels[] = {{"job", "a \"b\""}, {"instance", "c"}};
  TimedSamples page(labels);
  auto samples = things(5);
  samples.add(kSize, 1);
  page.add(std::move(samples), at(100), at(100));
  CHECK(written(page) == R"(# HELP size_bytes Size.
# TYPE size_bytes gauge
size_bytes{job="a \"b\"",instance="c"} 1 100
# HELP things Things.
# TYPE things counter
things_total{job="a \"b\"",instance="c",kind="a"} 5 100
# EOF
)");
}
