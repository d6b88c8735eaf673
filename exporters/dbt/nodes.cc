#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kInfo =
    info("dbt_node_info",
         "Information about a node, to be joined on project and unique_id. dataset is the table or "
         "view in the warehouse, database.schema.table in lower case without quotes; for a test "
         "that of the one node that it tests.",
         "project", "unique_id", "resource_type", "package", "name", "database", "schema",
         "materialized", "owner", "group", "access", "severity", "path", "tested", "dataset");
constexpr auto kStatus =
    gauge("dbt_node_last_status",
          "1 for the status of the node's last real result, as dbt writes it (success, error, "
          "skipped, reused, partial success, no-op, pass, fail, warn); the other statuses have no "
          "series.",
          "project", "unique_id", "status");
constexpr auto kRun = gauge("dbt_node_last_run_timestamp_seconds",
                            "When the node last ran, with any status, in seconds since 1970.",
                            "project", "unique_id");
constexpr auto kSuccess =
    gauge("dbt_node_last_success_timestamp_seconds",
          "When the node last succeeded, in seconds since 1970; for a test, when it passed.",
          "project", "unique_id");
constexpr auto kExecution =
    gauge("dbt_node_execution_seconds", "Duration of the node's last run.", "project", "unique_id");
constexpr auto kCompile =
    gauge("dbt_node_compile_seconds", "Time that the node's last run spent on compilation.",
          "project", "unique_id");
constexpr auto kRows = gauge("dbt_node_rows_affected",
                             "Rows that the node's last run wrote, if the adapter reports them.",
                             "project", "unique_id");
constexpr auto kBytes = gauge("dbt_node_bytes_processed",
                              "Bytes that the node's last run read, if the adapter reports them.",
                              "project", "unique_id");
constexpr auto kFailures =
    gauge("dbt_test_failures", "Rows that the test's last run found.", "project", "unique_id");
constexpr auto kConsecutive = gauge("dbt_node_consecutive_failures",
                                    "Failed runs of the node in a row.", "project", "unique_id");
constexpr MetricView kMetrics[] = {kInfo,    kStatus, kRun,   kSuccess,  kExecution,
                                   kCompile, kRows,   kBytes, kFailures, kConsecutive};

void add_info(Samples& samples, const Project& project, const Node& node) {
  samples.add(kInfo, 1, project.name, node.unique_id, node.resource_type, node.package, node.name,
              node.database, node.schema, node.materialized, node.owner, node.group, node.access,
              node.severity, node.path, node.tested, node.dataset);
}

void add_history(Samples& samples, const Project& project, const std::string& id,
                 const NodeHistory& node) {
  const auto add = [&](const auto& metric, const std::optional<double>& value) {
    if (value) samples.add(metric, *value, project.name, id);
  };
  const auto add_time = [&](const auto& metric, const std::optional<Time>& time) {
    if (time) samples.add(metric, unix_seconds(*time), project.name, id);
  };
  samples.add(kStatus, 1, project.name, id, node.last.status);
  add_time(kRun, node.run_at);
  add_time(kSuccess, node.success_at);
  if (!node.run) return;
  add(kExecution, node.run->execution_seconds);
  add(kCompile, node.run->compile_seconds);
  const auto type = resource_type_of(id);
  // The rows affected by a test are those of its query, always one.
  if (!is_test(type)) add(kRows, node.run->rows_affected);
  add(kBytes, node.run->bytes_processed);
  if (is_test(type)) add(kFailures, node.run->failures);
  samples.add(kConsecutive, static_cast<double>(node.consecutive_failures), project.name, id);
}

void add_nodes(Samples& samples, const Project& project, std::span<const std::string> shown) {
  for (const auto& id : shown) {
    if (const auto* node = project.find_node(id)) add_info(samples, project, *node);
    const auto history = project.nodes.find(id);
    if (history != project.nodes.end()) add_history(samples, project, id, history->second);
  }
}

}  // namespace

constinit const Part kNodes{kMetrics, add_nodes};

}  // namespace exporter::dbt
