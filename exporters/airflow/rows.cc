#include "exporters/airflow/rows.h"

#include <algorithm>

#include "common/base/text.h"

namespace exporter::airflow {
namespace {

std::string text_at(const Json& row, std::string_view key) {
  const auto value = row.find(key);
  return value ? value->string() : std::string();
}

/// A name or an id of at most 250 characters in Airflow. The ledger combines two of these into a
/// key (Ledger::kMaxMetadataKey).
std::string name_at(const Json& row, std::string_view key) {
  constexpr std::size_t kMost = 1000;  // bytes
  const auto value = row.at(key);
  auto name = value.string();
  if (name.size() > kMost) value.fail("longer than " + std::to_string(kMost) + " bytes");
  return name;
}

bool flag_at(const Json& row, std::string_view key) {
  const auto value = row.find(key);
  return value && value->boolean();
}

double number_at(const Json& row, std::string_view key) {
  const auto value = row.find(key);
  return value ? value->number() : 0;
}

std::optional<Time> time_at(const Json& row, std::string_view key) {
  const auto value = row.find(key);
  if (!value) return std::nullopt;
  return value->time();
}

/// Airflow 2 keeps the blanks after commas.
std::vector<std::string> owners_of(const Json& row) {
  std::vector<std::string> owners;
  const auto list = row.find("owners");
  if (!list) return owners;
  for (const auto& owner : list->items()) owners.emplace_back(trim(owner.string()));
  return owners;
}

/// Sorted: the database does not define their order, and a different one would be a different
/// series.
std::vector<std::string> tags_of(const Json& row) {
  std::vector<std::string> tags;
  const auto list = row.find("tags");
  if (!list) return tags;
  for (const auto& tag : list->items()) tags.push_back(tag.at("name").string());
  std::ranges::sort(tags);
  return tags;
}

/// For an interval Airflow 2 returns its parts; the description has it in words.
std::string schedule_of(ApiVersion api, const Json& row) {
  if (api == ApiVersion::v2) return text_at(row, "timetable_summary");
  const auto interval = row.find("schedule_interval");
  if (!interval) return {};
  const auto cron = interval->find("value");
  return cron ? cron->string() : text_at(row, "timetable_description");
}

/// One name for Airflow 2's dataset and Airflow 3's asset.
std::string type_of(const Json& row) {
  auto type = name_at(row, "run_type");
  return type == "dataset_triggered" || type == "asset_triggered" ? "asset" : type;
}

/// In Airflow 2 a scheduled run is due at the end of its data interval.
std::optional<Time> due_of(ApiVersion api, const Json& row, std::string_view type) {
  if (type != "scheduled") return std::nullopt;
  return time_at(row, api == ApiVersion::v1 ? "data_interval_end" : "run_after");
}

}  // namespace

Dag read_dag(ApiVersion api, const Json& row) {
  Dag dag;
  dag.id = name_at(row, "dag_id");
  dag.name = text_at(row, "dag_display_name");
  dag.schedule = schedule_of(api, row);
  dag.owners = owners_of(row);
  dag.tags = tags_of(row);
  dag.is_paused = flag_at(row, "is_paused");
  dag.is_stale = api == ApiVersion::v1 ? !flag_at(row, "is_active") : flag_at(row, "is_stale");
  dag.has_import_errors = flag_at(row, "has_import_errors");
  dag.next_run =
      time_at(row, api == ApiVersion::v1 ? "next_dagrun_create_after" : "next_dagrun_run_after");
  dag.last_parsed = time_at(row, "last_parsed_time");
  return dag;
}

DagRun read_run(ApiVersion api, const Json& row) {
  DagRun run;
  run.dag = name_at(row, "dag_id");
  run.id = name_at(row, "dag_run_id");
  run.state = name_at(row, "state");
  run.type = type_of(row);
  run.due = due_of(api, row, run.type);
  run.queued = time_at(row, "queued_at");
  run.started = time_at(row, "start_date");
  run.ended = time_at(row, "end_date");
  return run;
}

TaskInstance read_task(const Json& row) {
  TaskInstance task;
  task.uuid = text_at(row, "id");
  task.dag = name_at(row, "dag_id");
  task.run = name_at(row, "dag_run_id");
  task.task = name_at(row, "task_id");
  task.map_index = row.at("map_index").integer();
  task.try_number = row.at("try_number").integer();
  task.state = text_at(row, "state");
  task.pool = text_at(row, "pool");
  task.queue = text_at(row, "queue");
  task.queued = time_at(row, "queued_when");
  task.scheduled = time_at(row, "scheduled_when");
  task.started = time_at(row, "start_date");
  task.ended = time_at(row, "end_date");
  return task;
}

Pool read_pool(const Json& row) {
  Pool pool;
  pool.name = row.at("name").string();
  const auto slots = row.at("slots").number();
  if (slots >= 0) pool.slots = slots;
  pool.running = number_at(row, "running_slots");
  pool.queued = number_at(row, "queued_slots");
  pool.scheduled = number_at(row, "scheduled_slots");
  pool.deferred = number_at(row, "deferred_slots");
  pool.occupied = number_at(row, "occupied_slots");
  return pool;
}

ImportError read_import_error(const Json& row) {
  return {row.at("import_error_id").integer(), row.at("filename").string(),
          text_at(row, "bundle_name")};
}

Asset read_asset(ApiVersion api, const Json& row) {
  Asset asset;
  asset.uri = row.at("uri").string();
  asset.name = asset.uri;
  if (const auto tasks = row.find("producing_tasks")) {
    for (const auto& task : tasks->items()) {
      asset.producers.push_back({task.at("dag_id").string(), task.at("task_id").string()});
    }
  }
  if (api == ApiVersion::v1) return asset;
  asset.name = row.at("name").string();
  asset.group = text_at(row, "group");
  if (const auto last = row.find("last_asset_event")) {
    asset.last_event = time_at(*last, "timestamp");
  }
  return asset;
}

AssetEvent read_asset_event(ApiVersion api, const Json& row) {
  AssetEvent event;
  event.id = row.at("id").integer();
  event.asset = row.at(api == ApiVersion::v1 ? "dataset_uri" : "name").string();
  event.time = row.at("timestamp").time();
  return event;
}

std::string component_of_job(const Json& row) {
  const auto type = row.at("job_type").string();
  if (type == "SchedulerJob") return "scheduler";
  if (type == "TriggererJob") return "triggerer";
  if (type == "DagProcessorJob") return "dag_processor";
  return {};
}

Component read_component(std::string_view name, const Json& component) {
  const auto status = text_at(component, "status");
  Component read;
  read.name = name;
  if (!status.empty()) read.is_healthy = status == "healthy";
  read.heartbeat = time_at(component, "latest_" + read.name + "_heartbeat");
  return read;
}

}  // namespace exporter::airflow
