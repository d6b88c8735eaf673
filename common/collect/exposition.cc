#include "common/collect/exposition.h"

#include <algorithm>
#include <map>

#include "common/base/error.h"

namespace exporter {
namespace {

constexpr auto kSuccess =
    gauge("exporter_collector_success", "Whether the collector's last run succeeded.", "collector");
constexpr auto kDuration = gauge("exporter_collector_duration_seconds",
                                 "How long the collector's last run took.", "collector");
constexpr auto kLastSuccess =
    gauge("exporter_collector_last_success_timestamp_seconds",
          "When the collector last succeeded, in seconds since 1970; absent before the first time.",
          "collector");
constexpr auto kInterval =
    gauge("exporter_collector_interval_seconds",
          "How often the collector runs in the background; absent when it runs on each scrape.",
          "collector");
constexpr auto kSamples =
    gauge("exporter_collector_samples", "Samples of the collector's last run.", "collector");
constexpr auto kDuplicates =
    gauge("exporter_collector_duplicate_samples",
          "Samples of the last run that were left out because their series was there already.",
          "collector");
constexpr auto kDropped =
    gauge("exporter_collector_dropped_series",
          "Series that a cardinality limit left out of the last run; where their number is not "
          "known, the objects that they belong to.",
          "collector");
constexpr auto kNodeDuration = gauge("node_scrape_collector_duration_seconds",
                                     "node_exporter: Duration of a collector scrape.", "collector");
constexpr auto kNodeSuccess = gauge("node_scrape_collector_success",
                                    "node_exporter: Whether a collector succeeded.", "collector");

constexpr std::string_view kEndOfOpenMetrics = "# EOF\n";
constexpr int kFastLevel = 1;
constexpr std::size_t kOwnParts = 2;  // outcomes and times

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

std::vector<Collector> without_clashes(std::vector<Collector> collectors) {
  std::map<std::string_view, const Collector*> owners;
  for (const auto& collector : collectors) {
    for (const auto& metric : collector.metrics) {
      const auto* owner = owners.emplace(metric.name, &collector).first->second;
      const bool together = !owner->group.empty() && owner->group == collector.group;
      if (owner != &collector && !together) {
        throw Error(Reason::config, "metric " + std::string(metric.name) + " is declared by " +
                                        owner->name + " and by " + collector.name);
      }
    }
  }
  return collectors;
}

/// Those of a group one behind the other.
std::vector<Collector> in_groups(std::vector<Collector> collectors) {
  std::ranges::stable_sort(collectors, {}, &Collector::group);
  return collectors;
}

/// Puts the pages of snapshots one behind the other.
class Joiner {
 public:
  Joiner(Format format, bool gzip) : format_(format), gzip_(gzip) {
    if (gzip_) body_.add(GzipMember::header(), nullptr);
  }

  void add(std::shared_ptr<const Snapshot> snapshot) {
    if (gzip_) {
      add(snapshot->deflated(format_), snapshot);
    } else {
      const std::string_view page = snapshot->page(format_);
      body_.add(page, std::move(snapshot));
    }
  }

  Body finish() && {
    if (format_ == Format::openmetrics) {
      if (gzip_) {
        static const Deflated kEnd = deflate_blocks(kEndOfOpenMetrics, kFastLevel);
        add(kEnd, nullptr);
      } else {
        body_.add(kEndOfOpenMetrics, nullptr);
      }
    }
    if (gzip_) body_.add(std::make_shared<const std::string>(member_.trailer()));
    return std::move(body_);
  }

 private:
  void add(const Deflated& piece, std::shared_ptr<const void> owner) {
    member_.add(piece);
    body_.add(piece.bytes, std::move(owner));
  }

  Format format_;
  bool gzip_;
  GzipMember member_;
  Body body_;
};

std::vector<std::size_t> all_of(const Runner& runner) {
  std::vector<std::size_t> indices(runner.size());
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return indices;
}

}  // namespace

Exposition::Exposition(std::vector<Collector> collectors, Options options)
    : options_(std::move(options)),
      runner_(in_groups(without_clashes(std::move(collectors))), options_.count_failure),
      parts_(kOwnParts + options_.self.size()) {}

Body Exposition::scrape(const Query& query) {
  const auto selected = select(query);
  const auto views = runner_.collect(selected, query.until);
  return join(selected, views, query.format, query.gzip);
}

Body Exposition::scrape_once(Format format, Clock::time_point until, bool& failed) {
  const auto selected = all_of(runner_);
  const auto views = runner_.collect(selected, until, Runner::Which::all);
  failed = std::any_of(views.begin(), views.end(), [](const Runner::View& view) {
    return view.status->outcome != Status::Outcome::success;
  });
  return join(selected, views, format, false);
}

std::vector<Exposition::Overview> Exposition::overview() const {
  std::vector<Overview> all;
  const auto views = runner_.views();
  for (std::size_t i = 0; i < views.size(); ++i) {
    all.push_back({&runner_.collector(i), views[i].status});
  }
  return all;
}

std::vector<MetricView> Exposition::own_metrics(bool node_exporter_names) {
  std::vector<MetricView> all = {kSuccess, kDuration,   kLastSuccess, kInterval,
                                 kSamples, kDuplicates, kDropped};
  if (node_exporter_names) all.insert(all.end(), {kNodeDuration, kNodeSuccess});
  return all;
}

std::vector<std::size_t> Exposition::select(const Query& query) const {
  if (!query.collect.empty() && !query.exclude.empty()) {
    throw Error(Reason::config, "collect[] and exclude[] exclude each other");
  }
  std::vector<std::size_t> selected;
  for (const auto& name : query.collect) {
    const auto named = indices_of(name);
    selected.insert(selected.end(), named.begin(), named.end());
  }
  if (query.collect.empty()) selected = all_of(runner_);
  for (const auto& name : query.exclude) {
    for (const auto index : indices_of(name)) std::erase(selected, index);
  }
  std::sort(selected.begin(), selected.end());
  selected.erase(std::unique(selected.begin(), selected.end()), selected.end());
  return selected;
}

/// Of the collector of that name, or of all in the group of that name.
std::vector<std::size_t> Exposition::indices_of(std::string_view name) const {
  auto indices = all_of(runner_);
  std::erase_if(indices, [&](std::size_t index) {
    const auto& collector = runner_.collector(index);
    return collector.name != name && collector.group != name;
  });
  if (!indices.empty() && !name.empty()) return indices;
  throw Error(Reason::config, "no collector is named \"" + std::string(name) + "\" and enabled");
}

/// As they stand on the page: those of a group as one.
Exposition::Snapshots Exposition::snapshots(const std::vector<std::size_t>& selected,
                                            const std::vector<Runner::View>& views) {
  Snapshots all, together;
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const auto& group = runner_.collector(selected[i]).group;
    if (views[i].snapshot) (group.empty() ? all : together).push_back(views[i].snapshot);
    const bool ends = i + 1 == selected.size() || runner_.collector(selected[i + 1]).group != group;
    if (ends && !together.empty()) all.push_back(merged(group, std::exchange(together, {})));
  }
  return all;
}

std::shared_ptr<const Snapshot> Exposition::merged(const std::string& group, Snapshots snapshots) {
  if (snapshots.size() == 1) return snapshots.front();
  const std::lock_guard lock(merged_mutex_);
  auto& kept = merged_[group];
  if (kept.from != snapshots) {
    Samples samples;
    for (const auto& snapshot : snapshots) samples.append(snapshot->samples());
    const int level = snapshots.front()->level();
    kept = {std::move(snapshots), std::make_shared<const Snapshot>(std::move(samples), level)};
  }
  return kept.whole;
}

Body Exposition::join(const std::vector<std::size_t>& selected,
                      const std::vector<Runner::View>& views, Format format, bool gzip) {
  Joiner joiner(format, gzip);
  for (auto& snapshot : snapshots(selected, views)) joiner.add(std::move(snapshot));
  std::size_t part = 0;
  const auto add = [&](int level, const auto& fill) {
    Samples samples;
    fill(samples);
    joiner.add(keep_or_replace(part++, std::move(samples), level));
  };
  add(kFastLevel, [&](Samples& samples) { add_outcomes(samples, selected, views); });
  add(kFastLevel, [&](Samples& samples) { add_times(samples, selected, views); });
  for (const auto& self : options_.self) add(self.level, self.add);
  return std::move(joiner).finish();
}

std::shared_ptr<const Snapshot> Exposition::keep_or_replace(std::size_t part, Samples samples,
                                                            int level) {
  const std::lock_guard lock(parts_mutex_);
  auto& kept = parts_[part];
  if (!kept || !kept->samples().same_page(samples)) {
    kept = std::make_shared<const Snapshot>(std::move(samples), level);
  }
  return kept;
}

void Exposition::add_outcomes(Samples& samples, const std::vector<std::size_t>& selected,
                              const std::vector<Runner::View>& views) const {
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const auto& collector = runner_.collector(selected[i]);
    const auto& name = collector.name;
    const auto& status = *views[i].status;
    if (const auto* every = std::get_if<Every>(&collector.schedule)) {
      samples.add(kInterval, seconds(every->interval), name);
    }
    if (status.outcome == Status::Outcome::never_ran) continue;
    const double success = status.outcome == Status::Outcome::success ? 1 : 0;
    samples.add(kSuccess, success, name);
    if (options_.node_exporter_names) samples.add(kNodeSuccess, success, name);
    samples.add(kSamples, static_cast<double>(status.samples), name);
    samples.add(kDuplicates, static_cast<double>(status.duplicates), name);
    samples.add(kDropped, static_cast<double>(status.dropped), name);
  }
}

void Exposition::add_times(Samples& samples, const std::vector<std::size_t>& selected,
                           const std::vector<Runner::View>& views) const {
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const auto& name = runner_.collector(selected[i]).name;
    const auto& status = *views[i].status;
    if (status.outcome == Status::Outcome::never_ran) continue;
    samples.add(kDuration, status.duration_seconds, name);
    if (options_.node_exporter_names) samples.add(kNodeDuration, status.duration_seconds, name);
    if (status.last_success_unix > 0) samples.add(kLastSuccess, status.last_success_unix, name);
  }
}

}  // namespace exporter
