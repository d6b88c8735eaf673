#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "common/app/settings.h"
#include "common/config/yaml.h"
#include "exporters/airflow/dag_list.h"

namespace exporter::airflow {

/// Which DAGs a deployment's configuration includes and excludes, by id, tags and owners.
class DagFilter {
 public:
  /// Throws Error{config}.
  explicit DagFilter(const Yaml& deployment);

  bool passes(const Dag& dag) const;
  /// The part of the decision that does not need the list.
  bool passes_id(std::string_view dag) const { return id_.passes(dag); }
  bool needs_list() const { return by_tag_ || by_owner_; }
  /// The configuration as text; differs if the configuration does.
  const std::string& text() const { return text_; }

 private:
  const Filter id_, tag_include_, tag_exclude_, owner_include_, owner_exclude_;
  bool has_tag_include_, has_owner_include_, by_tag_, by_owner_;
  std::string text_;
};

/// Which DAGs count and are shown, at a point in time.
class DagView {
 public:
  using Names = std::set<std::string, std::less<>>;

  /// The last list that was read; null before the first.
  const DagList* list() const { return list_.get(); }
  /// Whether its runs are read: unless it is known to be excluded, because a DAG may be newer than
  /// the list.
  bool counts(std::string_view dag) const;
  /// Whether it has series: it is known not to be excluded, and within the limit.
  bool shows(std::string_view dag) const;
  /// The number of DAGs that the limit keeps off the page.
  std::size_t hidden() const { return hidden_; }
  /// See DagFilter::text().
  const std::string& scope() const { return filter_->text(); }

 private:
  friend class Selection;
  std::shared_ptr<const DagFilter> filter_;
  std::shared_ptr<const DagList> list_;
  std::shared_ptr<const Names> excluded_;  ///< in the list
  std::shared_ptr<const Names> shown_;     ///< null if the limit is not reached
  std::size_t hidden_ = 0;
};

/// Chooses the DAGs of a deployment that are shown. Above the limit, failing DAGs have priority,
/// then running ones; paused ones and those in no file come last. A DAG keeps its rank for an hour,
/// also across a restart, and then until a DAG with a higher rank needs its place. Thread-safe.
class Selection {
 public:
  /// The result of the last run of a DAG.
  struct Ended {
    bool failed = false;
    Time at{};
  };
  using EndedRuns = std::map<std::string, Ended>;  ///< by DAG

  /// Throws Error{config}.
  explicit Selection(const Yaml& deployment);

  const DagFilter& filter() const { return *filter_; }
  DagView view() const;
  void set_list(DagList list);
  /// DAGs whose last run is known, and DAGs that have a live run.
  void set_runs(EndedRuns ended, std::set<std::string> live, Time now);

 private:
  enum class Rank : std::uint8_t { fails, runs, waits, paused, gone };
  struct Place {
    Rank rank = Rank::gone;
    Time until;  ///< how long the rank is held
  };

  Rank rank_of(const std::string& dag) const;
  bool is_held(Time until) const;
  Place place_of(const std::string& dag) const;
  void choose();

  const std::shared_ptr<const DagFilter> filter_;
  const std::size_t limit_;
  mutable std::mutex mutex_;  // of what follows
  DagView view_;
  Time now_;
  EndedRuns ended_;
  std::set<std::string> live_;
  std::map<std::string, Place> places_;
};

}  // namespace exporter::airflow
