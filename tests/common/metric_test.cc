#include "common/metric/metric.h"

#include <catch2/catch.hpp>
#include <string>

using namespace exporter;

TEST_CASE("what a declaration may not be is refused") {
  const auto faulty = [](MetricType type, std::string_view name, std::string_view help,
                         std::span<const std::string_view> labels = {}) {
    return std::string(fault(MetricView{type, name, help, labels}));
  };
  CHECK(faulty(MetricType::gauge, "good", "Help.").empty());
  CHECK(faulty(MetricType::gauge, "0bad", "Help.") == "not a metric name");
  CHECK(faulty(MetricType::gauge, "a:b", "Help.") == "not a metric name");
  CHECK(faulty(MetricType::gauge, "good", "") == "the help is missing");
  CHECK(faulty(MetricType::counter, "runs", "Help.") ==
        "_total belongs to counters, and to them alone");
  CHECK(faulty(MetricType::gauge, "runs_total", "Help.") ==
        "_total belongs to counters, and to them alone");
  CHECK(faulty(MetricType::info, "build", "Help.") == "an info metric ends in _info");
  CHECK(faulty(MetricType::gauge, "runs_count", "Help.") == "the suffix belongs to histograms");
  for (const std::string_view reserved : {"le", "quantile", "job", "instance", "__name__"}) {
    CHECK(faulty(MetricType::gauge, "good", "Help.", std::span(&reserved, 1)) ==
          "a reserved label");
  }
  const std::string_view doubled[] = {"a", "a"};
  CHECK(faulty(MetricType::gauge, "good", "Help.", doubled) == "a doubled label");
}
