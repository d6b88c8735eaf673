#include "exporters/airflow/history.h"

#include <algorithm>

#include "common/app/rows.h"
#include "common/base/error.h"
#include "common/base/percent.h"
#include "common/base/time.h"
#include "common/config/json_object.h"
#include "exporters/airflow/list.h"

namespace exporter::airflow {
namespace {

constexpr const char* kRuns = "/dags/~/dagRuns";

std::string text_of(Time time) {
  return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time));
}

std::string path_of(const RunKey& run) {
  return "/dags/" + percent_encoded(run.dag) + "/dagRuns/" + percent_encoded(run.run);
}

/// The requests of one run of a collector.
class Requests {
 public:
  Requests(Deployment& deployment, Samples& samples, const Deadline& deadline)
      : api_(deployment.api),
        samples_(samples),
        deadline_(deadline),
        version_(api_.release(deadline).api) {}

  Page<DagRun> changed_runs(const Slice& slice, std::size_t offset) const;
  Page<DagRun> some_changed(const Slice& slice, std::size_t offset, std::size_t limit) const;
  std::size_t count_changed(const Slice& slice) const;
  Page<DagRun> ended_runs(const Slice& slice, std::size_t offset) const;
  std::optional<DagRun> find_run(const RunKey& run) const;
  Page<TaskInstance> tasks(std::span<const RunKey> runs, std::size_t offset) const;
  std::optional<std::vector<TaskInstance>> tries(const TaskInstance& task) const;
  std::size_t most_requests() const;
  bool has_dag(const std::string& dag) const;
  Page<DagRun> newest_runs(const std::string& dag) const;
  std::optional<DagRun> newest_success(const std::string& dag) const;
  /// Each request takes 0.2 s of CPU time in Airflow 2.
  std::size_t most_asides() const { return version_ == ApiVersion::v1 ? 4 : 20; }
  bool has_due_filter() const { return version_ == ApiVersion::v2; }

 private:
  template <class Row, class Read>
  Page<Row> page_of(const Answer& answer, std::string_view key, const Read& read) const;
  Page<DagRun> runs(Query query, std::size_t offset) const;
  Page<DagRun> runs_of(const Answer& answer) const;
  Page<DagRun> newest_runs(const std::string& dag, Query query, std::size_t most) const;

  Api& api_;
  Samples& samples_;
  const Deadline& deadline_;
  const ApiVersion version_;
};

template <class Row, class Read>
Page<Row> Requests::page_of(const Answer& answer, std::string_view key, const Read& read) const {
  Page<Row> page;
  const auto rows = answer.body.at(key);
  page.received = rows.items().size();
  page.total = page.received;
  if (const auto total = answer.body.find("total_entries")) {
    page.total =
        std::max(page.total, static_cast<std::size_t>(std::max<std::int64_t>(0, total->integer())));
  }
  read_rows(rows, samples_, [&](const Json& row) { page.rows.push_back(read(row)); });
  return page;
}

void add_part(Query& query, std::size_t offset, std::size_t limit) {
  query.emplace_back("order_by", "id");
  query.emplace_back("limit", std::to_string(limit));
  query.emplace_back("offset", std::to_string(offset));
}

Page<DagRun> Requests::runs_of(const Answer& answer) const {
  return page_of<DagRun>(answer, "dag_runs",
                         [&](const Json& row) { return read_run(version_, row); });
}

Page<DagRun> Requests::runs(Query query, std::size_t offset) const {
  add_part(query, offset, kPage);
  return runs_of(api_.get(kRuns, query, deadline_));
}

Query changes_in(const Slice& slice) {
  Query query{{"state", "success"},
              {"state", "failed"},
              {"updated_at_gte", text_of(slice.from)},
              {"updated_at_lte", text_of(slice.to)}};
  if (slice.due_from) query.emplace_back("run_after_gte", text_of(*slice.due_from));
  if (slice.due_to) query.emplace_back("run_after_lte", text_of(*slice.due_to));
  return query;
}

Page<DagRun> Requests::changed_runs(const Slice& slice, std::size_t offset) const {
  return runs(changes_in(slice), offset);
}

Page<DagRun> Requests::some_changed(const Slice& slice, std::size_t offset,
                                    std::size_t limit) const {
  auto query = changes_in(slice);
  add_part(query, offset, limit);
  return runs_of(api_.get_once(kRuns, query, deadline_));
}

std::size_t Requests::count_changed(const Slice& slice) const {
  auto query = changes_in(slice);
  add_part(query, kBeyond, 1);
  return total_of(api_.get_once(kRuns, query, deadline_).body);
}

/// Runs that cannot be read are noted as malformed rows, also if there are no others.
Page<DagRun> Requests::ended_runs(const Slice& slice, std::size_t offset) const {
  Page<DagRun> page;
  std::size_t unreadable = 0;
  const auto ask = [&](std::size_t from, std::size_t limit) {
    Query query{{"state", "success"},
                {"state", "failed"},
                {"end_date_gte", text_of(slice.from)},
                {"end_date_lte", text_of(slice.to)}};
    add_part(query, from, limit);
    return api_.get_once(kRuns, query, deadline_).body;
  };
  const auto read_part = [&](std::size_t from, std::size_t limit) {
    const auto answer = ask(from, limit);
    page.total = total_of(answer);
    return ListRows(samples_).take(answer.at("dag_runs"), [&](const Json& row) {
      page.rows.push_back(read_run(version_, row));
    });
  };
  const auto leave_out = [&](const Error& error) {
    if (++unreadable > kMostUnreadable) throw Error(error);
    samples_.note_malformed_row(error.what());
  };
  const auto count = [&] { return page.total = total_of(ask(kBeyond, 1)); };
  page.received = read_page(offset, read_part, count, leave_out);
  return page;
}

std::optional<DagRun> Requests::find_run(const RunKey& run) const {
  const auto answer = api_.find(path_of(run), {}, deadline_);
  if (!answer) return std::nullopt;
  return read_run(version_, answer->body);
}

/// Without states, because databases would use the index on states, which is slow here. Airflow 2
/// has no pages here.
Page<TaskInstance> Requests::tasks(std::span<const RunKey> runs, std::size_t offset) const {
  std::set<std::string> dags, ids;
  for (const auto& run : runs) {
    dags.insert(run.dag);
    ids.insert(run.run);
  }
  JsonObject body;
  body.add("dag_ids", std::vector<std::string>(dags.begin(), dags.end()));
  body.add("dag_run_ids", std::vector<std::string>(ids.begin(), ids.end()));
  if (version_ == ApiVersion::v2) {
    body.add("page_limit", static_cast<std::int64_t>(kPage));
    body.add("page_offset", static_cast<std::int64_t>(offset));
  }
  const auto answer = api_.post("/dags/~/dagRuns/~/taskInstances/list", body, deadline_);
  return page_of<TaskInstance>(answer, "task_instances", read_task);
}

std::optional<std::vector<TaskInstance>> Requests::tries(const TaskInstance& task) const {
  auto path = path_of({task.dag, task.run}) + "/taskInstances/" + percent_encoded(task.task) + '/';
  if (task.map_index >= 0) path += std::to_string(task.map_index) + '/';
  const auto answer = api_.find(path + "tries", {}, deadline_);
  if (!answer && version_ == ApiVersion::v1) return std::nullopt;
  if (!answer) return std::vector<TaskInstance>();
  return page_of<TaskInstance>(*answer, "task_instances", read_task).rows;
}

/// As many as the budget allows between two updates.
std::size_t Requests::most_requests() const {
  constexpr double kInterval = 30, kMost = 1000;  // seconds; a deadline ends an update anyway
  const auto rate = api_.budget(version_).requests_per_second;
  return static_cast<std::size_t>(rate > 0 ? std::clamp(rate * kInterval, 10.0, kMost) : kMost);
}

bool Requests::has_dag(const std::string& dag) const {
  return api_.find("/dags/" + percent_encoded(dag), {}, deadline_).has_value();
}

/// Some databases sort runs without an end first; these are filtered out if Airflow does not.
Page<DagRun> Requests::newest_runs(const std::string& dag, Query query, std::size_t most) const {
  if (version_ == ApiVersion::v1) query.emplace_back("end_date_gte", text_of(Time()));
  query.emplace_back("order_by", "-end_date");
  query.emplace_back("limit", std::to_string(most));
  const auto answer = api_.find("/dags/" + percent_encoded(dag) + "/dagRuns", query, deadline_);
  if (!answer) return {};
  return runs_of(*answer);
}

Page<DagRun> Requests::newest_runs(const std::string& dag) const {
  constexpr std::size_t kMost = 10;
  return newest_runs(dag, {{"state", "success"}, {"state", "failed"}}, kMost);
}

std::optional<DagRun> Requests::newest_success(const std::string& dag) const {
  const auto page = newest_runs(dag, {{"state", "success"}}, 1);
  if (page.rows.empty()) return std::nullopt;
  return page.rows.front();
}

}  // namespace

History history_of(Deployment& deployment, Samples& samples, const Deadline& deadline) {
  const auto requests = std::make_shared<Requests>(deployment, samples, deadline);
  History history;
  history.changed_runs = [requests](const Slice& slice, std::size_t offset) {
    return requests->changed_runs(slice, offset);
  };
  history.some_changed = [requests](const Slice& slice, std::size_t offset, std::size_t limit) {
    return requests->some_changed(slice, offset, limit);
  };
  history.count_changed = [requests](const Slice& slice) { return requests->count_changed(slice); };
  history.ended_runs = [requests](const Slice& slice, std::size_t offset) {
    return requests->ended_runs(slice, offset);
  };
  history.find_run = [requests](const RunKey& run) { return requests->find_run(run); };
  history.tasks = [requests](std::span<const RunKey> runs, std::size_t offset) {
    return requests->tasks(runs, offset);
  };
  history.tries = [requests](const TaskInstance& task) { return requests->tries(task); };
  history.most_requests = requests->most_requests();
  history.has_dag = [requests](const std::string& dag) { return requests->has_dag(dag); };
  history.newest_runs = [requests](const std::string& dag) { return requests->newest_runs(dag); };
  history.newest_success = [requests](const std::string& dag) {
    return requests->newest_success(dag);
  };
  history.has_due_filter = requests->has_due_filter();
  history.most_asides = requests->most_asides();
  return history;
}

}  // namespace exporter::airflow
