#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "common/app/rows.h"
#include "exporters/airflow/list.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {
namespace {

constexpr auto kSlots = gauge("airflow_pool_slots", "Slots of the pool; +Inf when it has no limit.",
                              "deployment", "pool");
constexpr auto kUsed = gauge("airflow_pool_used_slots",
                             "Slots by task state: running and queued tasks hold them, scheduled "
                             "ones wait for them, deferred ones hold them if the pool counts them.",
                             "deployment", "pool", "state");
constexpr auto kOccupied =
    gauge("airflow_pool_occupied_slots", "Slots that are not available to another task.",
          "deployment", "pool");
constexpr auto kHidden =
    gauge("airflow_pools_hidden",
          "Pools without a limit, about which Airflow 2 reports nothing, not even the name.",
          "deployment");
constexpr auto kUnread =
    gauge("airflow_pools_unread",
          "Pools that were left out because there are more than 1000 (Airflow 2).", "deployment");
constexpr MetricView kMetrics[] = {kSlots, kUsed, kOccupied, kHidden, kUnread};

void add(Samples& samples, const Deployment& deployment, const Pool& pool) {
  const auto& name = deployment.name;
  samples.add(kSlots, pool.slots.value_or(std::numeric_limits<double>::infinity()), name,
              pool.name);
  samples.add(kUsed, pool.running, name, pool.name, "running");
  samples.add(kUsed, pool.queued, name, pool.name, "queued");
  samples.add(kUsed, pool.scheduled, name, pool.name, "scheduled");
  samples.add(kUsed, pool.deferred, name, pool.name, "deferred");
  samples.add(kOccupied, pool.occupied, name, pool.name);
}

/// Airflow 2 answers 500 for a page that includes a pool without a limit. Pages then avoid it: the
/// positions of such pools are found by bisection and remembered, also by a run that fails before
/// it has found all of them. Each position is tried again after kRunsRemembered runs, and when the
/// list has a different length. If even their number cannot be read, nothing can.
class Pools {
 public:
  explicit Pools(Deployment& deployment) : deployment_(deployment) {}

  void collect(Samples& samples, const Deadline& deadline) {
    samples_ = &samples;
    const bool may_hide = deployment_.api.release(deadline).api == ApiVersion::v1;
    std::int64_t unread = 0;
    if (may_hide) {
      unread = read_around_hidden(deadline);
    } else {
      hidden_.clear();
      unread = read_list(
                   deployment_, "/pools", "pools", {}, samples,
                   [&](const Json& row) { add(samples, deployment_, read_pool(row)); }, deadline)
                   .beyond;
    }
    samples.add(kUnread, static_cast<double>(unread), deployment_.name);
    samples.add(kHidden, static_cast<double>(hidden_.size()), deployment_.name);
  }

 private:
  static constexpr std::size_t kRunsRemembered = 20, kMostPools = 1000;

  std::int64_t read_around_hidden(const Deadline& deadline);
  void read_range(std::size_t from, std::size_t to, const Deadline& deadline);
  void read_part(std::size_t from, std::size_t to, const Deadline& deadline);
  void read_total(const Deadline& deadline);
  std::optional<std::size_t> read_page(std::size_t from, std::size_t to, const Deadline& deadline);

  Deployment& deployment_;
  Samples* samples_ = nullptr;    // of the run
  std::optional<ListRows> rows_;  // of the run
  bool has_answered_ = false;     // in the run
  std::size_t runs_ = 0;
  std::size_t total_ = 0;         // according to the last page
  std::set<std::size_t> hidden_;  // positions in the list
};

/// Returns how many are beyond kMostPools.
std::int64_t Pools::read_around_hidden(const Deadline& deadline) {
  const bool asks_again = ++runs_ % kRunsRemembered == 0;
  const auto known = hidden_;
  const auto total_before = std::exchange(total_, kPage);
  rows_.emplace(*samples_);
  has_answered_ = false;
  std::size_t from = 0;
  for (const auto at : known) {
    read_range(from, at, deadline);
    if (asks_again) {
      hidden_.erase(at);
      read_range(at, at + 1, deadline);
    }
    from = at + 1;
  }
  if (known.empty()) {
    const auto rows = read_page(0, kPage, deadline);
    if (!rows) read_range(0, 1, deadline);  // to learn their number
    from = rows.value_or(1);
  }
  read_range(from, kMostPools, deadline);
  rows_->check();
  if (!known.empty() && total_ != total_before) runs_ = kRunsRemembered - 1;  // they moved
  return static_cast<std::int64_t>(total_ - std::min(total_, kMostPools));
}

void Pools::read_range(std::size_t from, std::size_t to, const Deadline& deadline) {
  for (; from < std::min(to, total_); from += kPage) {
    read_part(from, std::min({to, total_, from + kPage}), deadline);
  }
}

/// Splits it in halves if it has a hidden pool, and into smaller pages if Airflow returns fewer
/// rows.
void Pools::read_part(std::size_t from, std::size_t to, const Deadline& deadline) {
  if (const auto rows = read_page(from, to, deadline)) {
    const auto end = std::min(to, total_);
    if (*rows > 0 && from + *rows < end) read_part(from + *rows, end, deadline);
    return;
  }
  if (to - from == 1) {
    if (!has_answered_) read_total(deadline);
    hidden_.insert(from);
    return;
  }
  const auto middle = from + (to - from) / 2;
  read_part(from, middle, deadline);
  read_part(middle, to, deadline);
}

void Pools::read_total(const Deadline& deadline) {
  const Query query{{"limit", "1"}, {"offset", std::to_string(kBeyond)}};
  total_ = total_of(deployment_.api.get_once("/pools", query, deadline).body);
  has_answered_ = true;
}

/// The number of rows; nothing if a hidden pool is among them.
std::optional<std::size_t> Pools::read_page(std::size_t from, std::size_t to,
                                            const Deadline& deadline) {
  const Query query{{"limit", std::to_string(to - from)}, {"offset", std::to_string(from)}};
  const auto page = deployment_.api.get_unless_500("/pools", query, deadline);
  if (!page) return std::nullopt;
  total_ = total_of(page->body);
  has_answered_ = true;
  return rows_->take(page->body.at("pools"),
                     [&](const Json& row) { add(*samples_, deployment_, read_pool(row)); });
}

}  // namespace

constinit const Module kPools{"pools",
                              Module::Default::on,
                              kMetrics,
                              {},
                              make<Pools>,
                              Every{std::chrono::seconds(30), std::chrono::minutes(5)},
                              std::chrono::minutes(1)};

}  // namespace exporter::airflow
