#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/airflow/api.h"

namespace exporter::airflow {

/// As the value of a metric.
inline double seconds_of(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// A DAG, from either API.
struct Dag {
  std::string id, name;  ///< name: as shown in the user interface
  std::string schedule;  ///< "0 3 * * *", "Asset"; empty if it has none
  std::vector<std::string> owners, tags;
  bool is_paused = false;
  bool is_stale = false;  ///< its file is gone; on Airflow 3 also when its file breaks
  bool has_import_errors = false;
  std::optional<Time> next_run, last_parsed;
  /// Whether it is still in a file, even one that cannot be imported.
  bool is_in_file() const { return !is_stale || has_import_errors; }
};

/// A run of a DAG. After it was cleared it runs again with the same id and new times.
struct DagRun {
  std::string dag, id;
  std::string state;        ///< "queued", "running", "success", "failed"
  std::string type;         ///< "scheduled", "manual", "backfill", "asset" (dataset of Airflow 2)
  std::optional<Time> due;  ///< when it was due; only for scheduled runs
  std::optional<Time> queued, started, ended;  ///< queued: Airflow 3
  bool has_ended() const { return state == "success" || state == "failed"; }
};

/// The newest try of a task in a run.
struct TaskInstance {
  std::string uuid;  ///< in Airflow 3, unique for each try; else empty
  std::string dag, run, task;
  std::int64_t map_index = -1, try_number = 0;
  std::string state;  ///< empty: none yet, or cleared
  std::string pool, queue;
  std::optional<Time> queued, scheduled, started, ended;  ///< scheduled: Airflow 3
};

struct Pool {
  std::string name;
  std::optional<double> slots;  ///< nothing: unlimited
  double running = 0, queued = 0, scheduled = 0, deferred = 0, occupied = 0;
};

struct ImportError {
  std::int64_t id = 0;
  std::string file, bundle;  ///< bundle: Airflow 3
};

/// A task with an asset among its outlets.
struct AssetProducer {
  std::string dag, task;
};

/// An asset, which Airflow 2 calls a dataset.
struct Asset {
  std::string name;  ///< its URI on Airflow 2
  std::string uri;
  std::string group;               ///< Airflow 3
  std::optional<Time> last_event;  ///< Airflow 3
  std::vector<AssetProducer> producers;
};

/// An update of an asset.
struct AssetEvent {
  std::int64_t id = 0;
  std::string asset;  ///< its name
  Time time;
};

/// A component, as described by its newest process on the health page.
struct Component {
  std::string name;                ///< "scheduler", "triggerer", "dag_processor", "metadatabase"
  std::optional<bool> is_healthy;  ///< nothing: does not run on its own, as often in Airflow 2
  std::optional<Time> heartbeat;
};

/// Each of these reads a row of a list. Throws Error{decode}.
Dag read_dag(ApiVersion api, const Json& row);
DagRun read_run(ApiVersion api, const Json& row);
TaskInstance read_task(const Json& row);
Pool read_pool(const Json& row);
ImportError read_import_error(const Json& row);
Asset read_asset(ApiVersion api, const Json& row);
AssetEvent read_asset_event(ApiVersion api, const Json& row);
/// The component for a job of that type ("SchedulerJob"); empty for other jobs.
std::string component_of_job(const Json& row);

/// The component with this name on the health page.
Component read_component(std::string_view name, const Json& component);

}  // namespace exporter::airflow
