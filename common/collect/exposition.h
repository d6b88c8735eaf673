#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/body.h"
#include "common/collect/family_names.h"
#include "common/collect/group_page.h"
#include "common/collect/outcomes.h"
#include "common/collect/runner.h"

namespace exporter {

/// The collectors of one configuration and the page that they make together. A reload replaces it.
class Exposition {
 public:
  struct SelfPart {
    std::function<void(Samples&)> add;
    int level = 1;  ///< zlib's; 0 if it is too small and too short-lived to compress
  };
  struct Options {
    Outcomes::Options outcomes;
    Runner::CountFailure count_failure;
    /// The parts that describe the process itself. A part whose samples did not change keeps its
    /// rendered forms, so what changes with each scrape is a part of its own.
    std::vector<SelfPart> self;
    std::vector<MetricView> self_metrics;  ///< their families; collectors may not use them
    /// Collectors that do not exist but may be requested: see App::foreign_collectors.
    std::vector<std::string_view> foreign;
  };

  /// Throws Error{config} when two collectors of different names declare the same metric, or one
  /// declares a metric of the exporter's own.
  Exposition(std::vector<Collector> collectors, Options options);

  struct Query {
    Format format = Format::text;
    bool gzip = false;
    std::vector<std::string> collect;  ///< names of collectors; none means all
    std::vector<std::string> exclude;  ///< names that do not exist have no effect
    Clock::time_point until;           ///< when the page must be there
  };
  /// Shows what `old` shows of the same collectors and sources until they have run here, without
  /// families that belong to another collector here.
  void inherit(const Exposition& old);

  /// The page, joined from those of the collectors. Throws Error{config} if `collect` names an
  /// unknown collector, or if `exclude` is given too.
  Body scrape(const Query& query);

  /// The maximum time that one run of every collector takes, including waits for others of the same
  /// source.
  Clock::duration longest_once() const;

  /// Runs every collector once, the background ones first, and returns the page; sets `failed` if
  /// one of them failed.
  Body scrape_once(Format format, Clock::time_point until, bool& failed);

  /// The state of a collector for the landing page.
  struct Overview {
    const Collector* collector;
    std::shared_ptr<const Status> status;
    std::vector<RunRecord> runs;  ///< the newest first
  };
  std::vector<Overview> overview() const;

  /// Whether every background collector has run.
  bool ready() const { return runner_.ready(); }

 private:
  class Joiner;
  using Snapshots = std::vector<std::shared_ptr<const Snapshot>>;
  using Indices = std::vector<std::size_t>;
  /// A snapshot without the families that clash with other collectors'.
  struct Reduced {
    std::shared_ptr<const Snapshot> from, rest;
    std::set<std::string, std::less<>> left_out;
  };
  /// The families about the runs of collectors, as of the last scrape.
  struct OfRuns {
    std::vector<Outcomes::Shown> shown = {};
    std::shared_ptr<const Snapshot> outcomes = {}, times = {};
  };
  struct Runs {
    std::vector<Outcomes::Shown> in_background, on_scrape;
  };
  /// A part of the page.
  using Part = std::variant<std::shared_ptr<const Snapshot>, std::shared_ptr<const GroupPage>>;
  using Ups = std::vector<std::pair<std::string_view, bool>>;  // whether each source is up

  Indices all() const;
  Indices select(const Query& query) const;
  Indices indices_of(std::string_view name) const;
  Body join(const Indices& selected, std::vector<Runner::View> views, Format format, bool gzip);
  Ups which_are_up(const Indices& selected, const std::vector<Runner::View>& views) const;

  // With the lock held:
  Runs without_clashes(const Indices& selected, std::vector<Runner::View>& views);
  std::size_t reduce(std::size_t index, std::shared_ptr<const Snapshot>& snapshot);
  std::vector<Part> parts_of(const Indices& selected, std::vector<Runner::View> views);
  void add_runs(std::vector<Part>& parts, Runs runs);
  void update(OfRuns& kept, std::vector<Outcomes::Shown> shown) const;
  std::shared_ptr<const Snapshot> up(const Ups& ups);
  static const std::shared_ptr<const GroupPage>& group_page(std::shared_ptr<const GroupPage>& kept,
                                                            const Snapshots& members);

  const Options options_;
  const Outcomes outcomes_;
  std::mutex mutex_;  // of what follows up to the Runner
  FamilyNames names_;
  std::map<std::size_t, Reduced> reduced_;  // by collector
  /// Of the last scrape, by the index of their first collector.
  std::vector<std::shared_ptr<const GroupPage>> groups_;
  std::shared_ptr<const GroupPage> outcomes_page_, times_page_;
  OfRuns on_scrape_, background_;
  Ups ups_;
  std::shared_ptr<const Snapshot> up_;
  Snapshots self_;  // the last of Options::self
  Runner runner_;
  const std::vector<Outcomes::Source> sources_;  // their names are the runner's
};

}  // namespace exporter
