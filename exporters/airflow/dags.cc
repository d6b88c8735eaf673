#include "exporters/airflow/dags.h"

#include "common/base/log.h"
#include "common/base/percent.h"
#include "common/base/text.h"
#include "exporters/airflow/list.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {
namespace {

constexpr auto kInfo =
    info("airflow_dag_info", "Information about a DAG; owners and tags are separated by commas.",
         "deployment", "dag_id", "dag_name", "schedule", "owners", "tags", "url");
constexpr auto kPaused =
    gauge("airflow_dag_paused", "1 if the DAG is paused.", "deployment", "dag_id");
constexpr auto kStale =
    gauge("airflow_dag_stale",
          "1 if the DAG is no longer in any file, or, on Airflow 3, its file cannot be imported.",
          "deployment", "dag_id");
constexpr auto kImportErrors =
    gauge("airflow_dag_has_import_errors", "1 if the file of the DAG cannot be imported.",
          "deployment", "dag_id");
constexpr auto kNextRun = gauge(
    "airflow_dag_next_run_timestamp_seconds",
    "When the next run is due, in seconds since 1970. For a paused DAG it advances without runs.",
    "deployment", "dag_id");
constexpr auto kParsed = gauge("airflow_dag_last_parsed_timestamp_seconds",
                               "When the file of the DAG was last parsed, in seconds since 1970.",
                               "deployment", "dag_id");
constexpr auto kHidden =
    gauge("airflow_dags_hidden", "DAGs that are not shown because of the DAG limit.", "deployment");
constexpr auto kUnmatched =
    gauge("airflow_deadlines_unmatched", "Configured deadlines that match no DAG.", "deployment");
constexpr MetricView kMetrics[] = {kInfo,    kPaused, kStale,  kImportErrors,
                                   kNextRun, kParsed, kHidden, kUnmatched};

void add(Samples& samples, const Deployment& deployment, const Dag& dag) {
  const auto& name = deployment.name;
  samples.add(kInfo, 1, name, dag.id, dag.name, dag.schedule, joined(dag.owners, ","),
              joined(dag.tags, ","), deployment.url + "/dags/" + percent_encoded(dag.id));
  samples.add(kPaused, dag.is_paused ? 1 : 0, name, dag.id);
  samples.add(kStale, dag.is_stale ? 1 : 0, name, dag.id);
  samples.add(kImportErrors, dag.has_import_errors ? 1 : 0, name, dag.id);
  if (dag.next_run) samples.add(kNextRun, seconds_of(*dag.next_run), name, dag.id);
  if (dag.last_parsed) samples.add(kParsed, seconds_of(*dag.last_parsed), name, dag.id);
}

class Dags {
 public:
  explicit Dags(Deployment& deployment) : deployment_(deployment) {}

  void collect(Samples& samples, const Deadline& deadline) {
    read_dags(deployment_, samples, deadline);
    const auto view = deployment_.selection.view();
    for (const auto& [id, dag] : view.list()->dags) {
      if (view.shows(id)) add(samples, deployment_, dag);
    }
    samples.add(kHidden, static_cast<double>(view.hidden()), deployment_.name);
    samples.count_dropped(view.hidden());
    add_unmatched(view, samples);
  }

 private:
  /// Logged when they change, because the page does not name them.
  void add_unmatched(const DagView& view, Samples& samples) {
    auto unmatched = deployment_.requirements.unmatched(view);
    samples.add(kUnmatched, static_cast<double>(unmatched.size()), deployment_.name);
    if (!unmatched.empty() && unmatched != unmatched_) {
      log::warn("deadlines match no DAG",
                {{"deployment", deployment_.name}, {"dag_id", joined(unmatched, ",")}});
    }
    unmatched_ = std::move(unmatched);
  }

  Deployment& deployment_;
  std::vector<std::string> unmatched_;  // as of the last list
};

}  // namespace

/// Includes stale DAGs: on Airflow 3 a DAG is stale as soon as its file breaks.
void read_dags(Deployment& deployment, Samples& samples, const Deadline& deadline) {
  const auto api = deployment.api.release(deadline).api;
  const Query query{{api == ApiVersion::v1 ? "only_active" : "exclude_stale", "false"}};
  DagList list;
  list.time = Ledger::wall_clock();
  read_list(
      deployment, "/dags", "dags", query, samples,
      [&](const Json& row) {
        auto dag = read_dag(api, row);
        list.dags.insert_or_assign(dag.id, std::move(dag));
      },
      deadline);
  deployment.selection.set_list(std::move(list));
}

constinit const Module kDags{
    "dags",
    Module::Default::on,
    kMetrics,
    {},
    make<Dags>,
    Every{std::chrono::minutes(5), std::chrono::minutes(30), std::chrono::minutes(5)},
    std::chrono::minutes(2)};

}  // namespace exporter::airflow
