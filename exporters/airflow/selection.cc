#include "exporters/airflow/selection.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "common/ledger/ledger.h"

namespace exporter::airflow {
namespace {

constexpr std::string_view kTagInclude = "tag_include", kTagExclude = "tag_exclude",
                           kOwnerInclude = "owner_include", kOwnerExclude = "owner_exclude";
constexpr std::size_t kLimit = 5000;
/// Lets a DAG that alternates between failing and running keep its place.
constexpr auto kHold = std::chrono::hours(1);

std::string text_at(const Yaml& map, std::string_view key) {
  const auto value = map.optional(key);
  return value ? value->string() : std::string();
}

std::string text_of(const Yaml& deployment) {
  std::string text;
  for (const auto key : {std::string_view("dag_include"), std::string_view("dag_exclude"),
                         kTagInclude, kTagExclude, kOwnerInclude, kOwnerExclude}) {
    text.append(key).append("=").append(text_at(deployment, key)).append("\n");
  }
  return text;
}

std::size_t read_limit(const Yaml& deployment) {
  const auto limit = deployment.optional("dag_limit");
  if (!limit) return kLimit;
  if (limit->integer() < 1) limit->fail("expected a number above 0");
  return static_cast<std::size_t>(limit->integer());
}

}  // namespace

DagFilter::DagFilter(const Yaml& deployment)
    : id_(deployment, "dag_include", "dag_exclude", Filter::Match::whole),
      tag_include_(deployment, kTagInclude, {}, Filter::Match::whole),
      tag_exclude_(deployment, {}, kTagExclude, Filter::Match::whole),
      owner_include_(deployment, kOwnerInclude, {}, Filter::Match::whole),
      owner_exclude_(deployment, {}, kOwnerExclude, Filter::Match::whole),
      has_tag_include_(!text_at(deployment, kTagInclude).empty()),
      has_owner_include_(!text_at(deployment, kOwnerInclude).empty()),
      by_tag_(has_tag_include_ || !text_at(deployment, kTagExclude).empty()),
      by_owner_(has_owner_include_ || !text_at(deployment, kOwnerExclude).empty()),
      text_(text_of(deployment)) {}

bool DagFilter::passes(const Dag& dag) const {
  const auto passes = [](const Filter& filter) {
    return [&filter](const std::string& text) { return filter.passes(text); };
  };
  return id_.passes(dag.id) && std::ranges::all_of(dag.tags, passes(tag_exclude_)) &&
         std::ranges::all_of(dag.owners, passes(owner_exclude_)) &&
         (!has_tag_include_ || std::ranges::any_of(dag.tags, passes(tag_include_))) &&
         (!has_owner_include_ || std::ranges::any_of(dag.owners, passes(owner_include_)));
}

bool DagView::counts(std::string_view dag) const {
  return filter_->passes_id(dag) && !(excluded_ && excluded_->contains(dag));
}

bool DagView::shows(std::string_view dag) const {
  if (!counts(dag) || (shown_ && !shown_->contains(dag))) return false;
  return !filter_->needs_list() || (list_ && list_->dags.contains(dag));
}

Selection::Selection(const Yaml& deployment)
    : filter_(std::make_shared<const DagFilter>(deployment)), limit_(read_limit(deployment)) {
  view_.filter_ = filter_;
}

DagView Selection::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void Selection::set_list(DagList list) {
  auto excluded = std::make_shared<DagView::Names>();
  for (const auto& [id, dag] : list.dags) {
    if (!filter_->passes(dag)) excluded->insert(id);
  }
  const std::lock_guard lock(mutex_);
  now_ = list.time;
  view_.list_ = std::make_shared<const DagList>(std::move(list));
  view_.excluded_ = std::move(excluded);
  choose();
}

void Selection::set_runs(EndedRuns ended, std::set<std::string> live, Time now) {
  const std::lock_guard lock(mutex_);
  ended_ = std::move(ended);
  live_ = std::move(live);
  now_ = now;
  choose();
}

Selection::Rank Selection::rank_of(const std::string& dag) const {
  const Dag* listed = nullptr;
  if (view_.list_) {
    const auto found = view_.list_->dags.find(dag);
    if (found != view_.list_->dags.end()) listed = &found->second;
  }
  const auto ended = ended_.find(dag);
  if ((ended != ended_.end() && ended->second.failed) || (listed && listed->has_import_errors)) {
    return Rank::fails;
  }
  if (live_.contains(dag)) return Rank::runs;
  if (listed == nullptr) return view_.list_ ? Rank::gone : Rank::waits;
  if (!listed->is_in_file()) return Rank::gone;
  return listed->is_paused ? Rank::paused : Rank::waits;
}

/// False also for a time that the clock gave while it was ahead.
bool Selection::is_held(Time until) const {
  return now_ < until && until <= now_ + kHold + Ledger::kMaxAhead;
}

/// Its current rank, or the one before a restart.
Selection::Place Selection::place_of(const std::string& dag) const {
  if (const auto before = places_.find(dag); before != places_.end()) return before->second;
  if (const auto ended = ended_.find(dag); ended != ended_.end()) {
    const auto until = ended->second.at + kHold;
    if (is_held(until)) return {Rank::runs, until};
  }
  return {};
}

void Selection::choose() {
  std::set<std::string> all;
  const auto take = [&](const std::string& dag) {
    if (view_.counts(dag)) all.insert(dag);
  };
  if (view_.list_) {
    for (const auto& [id, dag] : view_.list_->dags) take(id);
  }
  for (const auto& [dag, ended] : ended_) take(dag);
  for (const auto& dag : live_) take(dag);

  std::map<std::string, Place> places;
  std::vector<std::tuple<Rank, bool, std::string>> order;
  for (const auto& dag : all) {
    auto& place = places[dag];
    place = place_of(dag);
    const auto rank = rank_of(dag);
    if (rank <= place.rank) place.until = now_ + kHold;
    if (rank <= place.rank || !is_held(place.until)) place.rank = rank;
    const bool is_new = view_.shown_ && !view_.shown_->contains(dag);
    order.emplace_back(place.rank, is_new, dag);
  }
  places_ = std::move(places);
  view_.hidden_ = order.size() > limit_ ? order.size() - limit_ : 0;
  if (view_.hidden_ == 0) {
    view_.shown_ = nullptr;
    return;
  }
  std::ranges::sort(order);
  order.resize(limit_);
  auto shown = std::make_shared<DagView::Names>();
  for (auto& [rank, is_new, dag] : order) shown->insert(std::move(dag));
  view_.shown_ = std::move(shown);
}

}  // namespace exporter::airflow
