#include "exporters/snowflake/groups.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "common/base/text.h"

using exporter::MetricView;
using exporter::to_lower;
using namespace exporter::snowflake;

namespace {

bool gives(const UsageStatement& statement, std::string_view column) {
  const auto name = " AS " + std::string(column);
  const std::string text(statement.text);
  return text.find(name + ",") != std::string::npos ||
         text.find(name + "\n") != std::string::npos ||
         (text.find("SELECT " + std::string(column) + ",") != std::string::npos);
}

/// The labels that no column fills: each value of such a metric needs a part.
std::size_t count_of_parts(const UsageStatement& statement, const MetricView& metric) {
  return static_cast<std::size_t>(
      std::count_if(metric.labels.begin(), metric.labels.end(), [&](std::string_view label) {
        return label != "account" &&
               std::none_of(statement.labels.begin(), statement.labels.end(),
                            [&](auto column) { return to_lower(column.substr(2)) == label; });
      }));
}

const Module& module_of(const Group& group) {
  for (const auto* module : kModules) {
    if (module->name == group.name) return *module;
  }
  FAIL("no collector " << group.name);
  return *kModules[0];
}

void check_value(const Group& group, const UsageStatement& statement, const MetricView& metric,
                 std::string_view part) {
  INFO(metric.name);
  CHECK(count_of_parts(statement, metric) == (part.empty() ? 0 : 1));
  const auto declared = module_of(group).metrics;
  CHECK(std::any_of(declared.begin(), declared.end(),
                    [&](const auto& each) { return each.name == metric.name; }));
}

void check_columns(const Group& group, const UsageStatement& statement) {
  for (const auto column : statement.labels) CHECK(gives(statement, column));
  for (const auto& value : statement.counters) {
    CHECK(gives(statement, value.column));
    check_value(group, statement, value.metric, value.part);
  }
  for (const auto& value : statement.gauges) {
    CHECK(gives(statement, value.column));
    check_value(group, statement, value.metric, value.part);
  }
  for (const auto& buckets : statement.histograms) {
    CHECK(buckets.bounds.size() == buckets.columns.size());
    for (const auto column : buckets.columns) CHECK(gives(statement, column));
    CHECK((gives(statement, buckets.count) && gives(statement, buckets.sum)));
    check_value(group, statement, buckets.metric, {});
  }
}

}  // namespace

TEST_CASE("each group is a collector that is off, and each statement gives what is read of it") {
  std::set<std::string_view> names;
  for (const auto* group : kGroups) {
    INFO(group->name);
    CHECK(module_of(*group).enabled == Module::Default::off);
    for (const auto& statement : group->statements) {
      INFO(statement.name);
      CHECK(names.insert(statement.name).second);
      check_columns(*group, statement);
      CHECK((statement.bucket.count() > 0) == gives(statement, "B"));
      CHECK((statement.bucket.count() > 0) == statement.gauges.empty());
    }
  }
}

TEST_CASE("no two collectors have one metric") {
  std::map<std::string_view, std::string_view> collectors;
  for (const auto* module : kModules) {
    for (const auto& metric : module->metrics) {
      INFO(metric.name);
      CHECK(collectors.try_emplace(metric.name, module->name).first->second == module->name);
    }
  }
}
