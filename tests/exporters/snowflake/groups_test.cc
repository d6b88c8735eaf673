#include "exporters/snowflake/groups.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "common/base/text.h"
#include "common/config/json_object.h"
#include "exporters/snowflake/usage.h"
#include "tests/exporters/snowflake/account_server.h"

using exporter::Deadline;
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

/// The number of labels without a column: each value of such a metric needs a part for them.
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

std::chrono::sys_seconds tomorrow() {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  return today + std::chrono::days(1);
}

/// The start of a statement, as encoded in a request.
std::string in_json(std::string_view text) {
  exporter::JsonObject json;
  json.add("", text.substr(0, text.find('{')));
  const auto object = json.text();
  const auto start = object.find(':') + 2;
  return object.substr(start, object.size() - start - 2);
}

/// One row in which each label is "x", each time tomorrow and each number 1.
void answer(AccountServer& server, const UsageStatement& statement) {
  const auto time = '"' + std::to_string(tomorrow().time_since_epoch().count()) + '"';
  std::map<std::string_view, std::string> row;
  for (const auto column : statement.labels) row[column] = R"("x")";
  for (const auto column : {"B", "DAY", "NEWEST"}) {
    if (gives(statement, column)) row[column] = time;
  }
  for (const auto& value : statement.counters) row[value.column] = R"("1")";
  for (const auto& value : statement.gauges) row[value.column] = R"("1")";
  for (const auto& buckets : statement.histograms) {
    for (const auto column : buckets.columns) row[column] = R"("1")";
    row[buckets.count] = row[buckets.sum] = R"("1")";
  }
  std::string columns, cells;
  for (const auto& [column, cell] : row) {
    columns.append(columns.empty() ? "" : ",").append(column);
    cells.append(cells.empty() ? "" : ",").append(cell);
  }
  server.set_rows(in_json(statement.text), columns, "[" + cells + "]");
}

/// The page of an account that answers with those rows.
std::string page_of_rows(const Group& group) {
  AccountServer server;
  server.set_rows("SHOW WAREHOUSES\"", "name,size,type,state,auto_suspend",
                  R"(["W","X-Small","STANDARD","SUSPENDED","60"])");
  for (const auto& statement : group.statements) answer(server, statement);
  const auto account =
      account_of(server.url(), "warehouse: W, credits_per_day: 0, query_tag_keys: [team]");
  const auto now = [] { return tomorrow() + std::chrono::hours(3); };
  account->clock = now;
  account->warehouse->spending().set_clock(now);
  Usage usage(*account, group);
  return page_of(
      [&](auto& samples, const Deadline& deadline) { usage.collect(samples, deadline); });
}

}  // namespace

TEST_CASE("a row of each statement of a group fills all of the group's metrics") {
  for (const auto* group : kGroups) {
    INFO(group->name);
    const auto page = page_of_rows(*group);
    for (const auto& metric : module_of(*group).metrics) {
      INFO(metric.name << " in\n" << page);
      CHECK(
          (page.find("\n" + std::string(metric.name) + "{account=\"prod\"") != std::string::npos ||
           page.find("\n" + std::string(metric.name) + "_bucket{account=\"prod\"") !=
               std::string::npos ||
           metric.name == exporter::snowflake::kDataTimestamp.name));
    }
  }
}

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
