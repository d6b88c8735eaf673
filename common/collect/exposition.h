#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/body.h"
#include "common/collect/runner.h"

namespace exporter {

/// One configuration's worth of collectors, and the page they make together. A reload builds a new
/// one and swaps it in.
class Exposition {
 public:
  struct SelfPart {
    std::function<void(Samples&)> add;
    int level = 1;  ///< zlib's: 0 for what is too small and too short-lived to be worth compressing
  };
  struct Options {
    /// A second pair of names for a collector's success and duration, as node_exporter's
    /// `node_scrape_collector_*`; empty for none.
    bool node_exporter_names = false;
    Runner::CountFailure count_failure;
    /// What describes the process itself, in parts: one whose samples did not change keeps its
    /// forms, so what changes at each scrape is apart from what hardly does.
    std::vector<SelfPart> self;
  };

  /// Throws Error{config} when two collectors that are not of one group declare the same metric.
  Exposition(std::vector<Collector> collectors, Options options);

  struct Query {
    Format format = Format::text;
    bool gzip = false;
    std::vector<std::string> collect, exclude;  ///< names or groups; no `collect` means all
    Clock::time_point until;                    ///< when the page must be there
  };
  /// The page, joined from the collectors' own. Throws Error{config} for an unknown collector and
  /// when both `collect` and `exclude` are given.
  Body scrape(const Query& query);

  /// Runs every collector once, background ones too, and returns the page; `failed` tells whether
  /// one of them failed.
  Body scrape_once(Format format, Clock::time_point until, bool& failed);

  /// What the landing page shows of each collector.
  struct Overview {
    const Collector* collector;
    std::shared_ptr<const Status> status;
  };
  std::vector<Overview> overview() const;

  /// Whether every background collector has run.
  bool ready() const { return runner_.ready(); }

  /// The families that every page holds besides the collectors'.
  static std::vector<MetricView> own_metrics(bool node_exporter_names);

 private:
  using Snapshots = std::vector<std::shared_ptr<const Snapshot>>;
  struct Merged {
    Snapshots from;
    std::shared_ptr<const Snapshot> whole;
  };

  std::vector<std::size_t> select(const Query& query) const;
  std::vector<std::size_t> indices_of(std::string_view name) const;
  Body join(const std::vector<std::size_t>& selected, const std::vector<Runner::View>& views,
            Format format, bool gzip);
  void add_outcomes(Samples& samples, const std::vector<std::size_t>& selected,
                    const std::vector<Runner::View>& views) const;
  void add_times(Samples& samples, const std::vector<std::size_t>& selected,
                 const std::vector<Runner::View>& views) const;
  Snapshots snapshots(const std::vector<std::size_t>& selected,
                      const std::vector<Runner::View>& views);
  std::shared_ptr<const Snapshot> merged(const std::string& group, Snapshots snapshots);
  std::shared_ptr<const Snapshot> keep_or_replace(std::size_t part, Samples samples, int level);

  Options options_;
  Runner runner_;
  std::mutex parts_mutex_;
  Snapshots parts_;  // the last: outcomes, times, Options::self
  std::mutex merged_mutex_;
  std::map<std::string, Merged> merged_;  // the last, by group
};

}  // namespace exporter
