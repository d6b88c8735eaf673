#include <map>

#include "exporters/airflow/list.h"

namespace exporter::airflow {
namespace {

constexpr auto kWarnings =
    gauge("airflow_dag_warnings",
          "Warnings of Airflow about a DAG, such as \"non-existent pool\" of Airflow 2.",
          "deployment", "dag_id", "warning");
constexpr MetricView kMetrics[] = {kWarnings};

void collect(Deployment& deployment, Samples& samples, const Deadline& deadline) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  read_list(
      deployment, "/dagWarnings", "dag_warnings", {}, samples,
      [&](const Json& row) {
        auto dag = row.at("dag_id").string(), warning = row.at("warning_type").string();
        ++counts[{std::move(dag), std::move(warning)}];
      },
      deadline);
  const auto view = deployment.selection.view();
  for (const auto& [key, count] : counts) {
    if (!view.shows(key.first)) continue;
    samples.add(kWarnings, static_cast<double>(count), deployment.name, key.first, key.second);
  }
}

}  // namespace

constinit const Module kDagWarnings{
    "dag_warnings",
    Module::Default::on,
    kMetrics,
    {},
    run<collect>,
    Every{std::chrono::minutes(5), std::chrono::minutes(30), std::chrono::minutes(5)},
    std::chrono::minutes(1)};

}  // namespace exporter::airflow
