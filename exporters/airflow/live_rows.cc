#include "exporters/airflow/live_rows.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "common/app/rows.h"
#include "common/base/error.h"
#include "exporters/airflow/failures.h"
#include "exporters/airflow/list.h"

namespace exporter::airflow {
namespace {

/// States that both versions know: others cause a 500 in Airflow 2 and a 422 in Airflow 3.
constexpr std::string_view kRunStates[] = {"running", "queued"};
constexpr std::string_view kTaskStates[] = {"running",   "queued",       "scheduled",
                                            "deferred",  "up_for_retry", "up_for_reschedule",
                                            "restarting"};

/// Rows leave these lists between two pages, and later rows move up; so pages by offset overlap.
constexpr std::size_t kOverlap = 10;

auto row_key(const DagRun& run) { return std::tuple(run.dag, run.id); }
auto row_key(const TaskInstance& task) {
  return std::tuple(task.dag, task.run, task.task, task.map_index);
}

struct List {
  std::string path;
  std::string_view key;
  std::span<const std::string_view> states;
  bool is_clamped;  ///< the page size cannot exceed kPage
  Query order;
};

template <class Row>
class Reader {
 public:
  Reader(Deployment& deployment, Samples& samples, const Deadline& deadline, List list,
         std::function<Row(const Json&)> read)
      : deployment_(deployment),
        samples_(samples),
        deadline_(deadline),
        list_(std::move(list)),
        read_(std::move(read)),
        list_rows_(samples) {}

  LiveSet<Row> read(ApiVersion api);

 private:
  void read_whole(ApiVersion api);
  void read_parts();
  Json ask(std::size_t limit, Query more);
  void ask_for_all();
  bool read_by_cursor();
  void read_by_offset();
  bool has_more() const { return received_ < total_ && !rows_.empty() && rows_.size() < kMostLive; }

  Deployment& deployment_;
  Samples& samples_;
  const Deadline& deadline_;
  const List list_;
  const std::function<Row(const Json&)> read_;
  ListRows list_rows_;
  std::map<decltype(row_key(std::declval<Row>())), Row> rows_;
  std::size_t received_ = 0, total_ = 0;  // of the last page
  Time time_;
};

template <class Row>
LiveSet<Row> Reader<Row>::read(ApiVersion api) {
  try {
    read_whole(api);
  } catch (const Error& error) {
    if (!Failures::may_be_of_one(error)) throw;
    read_parts();
  }
  list_rows_.check();
  LiveSet<Row> live;
  live.time = time_;
  if (rows_.size() >= kMostLive && total_ > rows_.size()) {
    live.unread = static_cast<std::int64_t>(total_ - rows_.size());
  }
  for (auto& [key, row] : rows_) live.rows.push_back(std::move(row));
  return live;
}

template <class Row>
void Reader<Row>::read_whole(ApiVersion api) {
  ask(kPage, {});
  const bool is_large = has_more();
  if (is_large && !list_.is_clamped) ask_for_all();
  if (is_large && has_more() && !(api == ApiVersion::v2 && read_by_cursor())) read_by_offset();
}

template <class Row>
void Reader<Row>::read_parts() {
  const auto ask_at = [&](std::size_t offset, std::size_t limit) {
    return ask(limit, {{"offset", std::to_string(offset)}});
  };
  const auto total = std::min(total_of(ask_at(kBeyond, 1)), kMostLive);
  for (std::size_t offset = 0, received = 1; offset < total && received > 0; offset += received) {
    received = read_page(
        offset,
        [&](std::size_t from, std::size_t limit) {
          ask_at(from, limit);
          return received_;
        },
        [&] { return total; }, [&](const Error& error) { samples_.set_failure(error); });
  }
}

template <class Row>
Json Reader<Row>::ask(std::size_t limit, Query more) {
  Query query{{"limit", std::to_string(limit)}};
  for (const auto state : list_.states) query.emplace_back("state", state);
  query.insert(query.end(), list_.order.begin(), list_.order.end());
  query.insert(query.end(), more.begin(), more.end());
  const auto answer = deployment_.api.get_once(list_.path, query, deadline_);
  if (time_ == Time()) time_ = answer.time;
  const auto rows = answer.body.at(list_.key);
  received_ = rows.items().size();
  const auto total = answer.body.find("total_entries");
  total_ =
      total ? static_cast<std::size_t>(std::max<std::int64_t>(0, total->integer())) : received_;
  list_rows_.take(rows, [&](const Json& row) {
    auto each = read_(row);
    rows_.insert_or_assign(row_key(each), std::move(each));
  });
  return answer.body;
}

/// If the reply is too large, the list is read page by page.
template <class Row>
void Reader<Row>::ask_for_all() {
  try {
    ask(std::min(total_ + kPage, kMostLive), {});
  } catch (const Error& error) {
    if (error.reason() != Reason::decode) throw;
  }
}

/// Misses none of the rows that stay in the list. False if there are no cursors, before 3.3.
template <class Row>
bool Reader<Row>::read_by_cursor() {
  std::optional<Json> next;
  std::size_t pages = 0;
  do {
    next = ask(kPage, {{"cursor", next ? next->string() : std::string()}}).find("next_cursor");
  } while (++pages * kPage < kMostLive && next && received_ > 0);
  return next || pages > 1;
}

template <class Row>
void Reader<Row>::read_by_offset() {
  for (std::size_t offset = 0; received_ > 0 && rows_.size() < kMostLive;) {
    offset += received_ > kOverlap ? received_ - kOverlap : received_;
    if (offset >= total_) return;
    ask(kPage, {{"offset", std::to_string(offset)}});
    if (offset + received_ >= total_) return;
  }
}

}  // namespace

LiveSet<DagRun> read_live_runs(Deployment& deployment, Samples& samples, const Deadline& deadline) {
  const auto api = deployment.api.release(deadline).api;
  List list{"/dags/~/dagRuns", "dag_runs", kRunStates, true, {}};
  if (api == ApiVersion::v1) list.order = {{"order_by", "id"}};
  return Reader<DagRun>(deployment, samples, deadline, std::move(list),
                        [api](const Json& row) { return read_run(api, row); })
      .read(api);
}

/// Airflow 2 does not sort them, and has no maximum page size.
LiveSet<TaskInstance> read_live_tasks(Deployment& deployment, Samples& samples,
                                      const Deadline& deadline) {
  const auto api = deployment.api.release(deadline).api;
  List list{
      "/dags/~/dagRuns/~/taskInstances", "task_instances", kTaskStates, api == ApiVersion::v2, {}};
  return Reader<TaskInstance>(deployment, samples, deadline, std::move(list), read_task).read(api);
}

}  // namespace exporter::airflow
