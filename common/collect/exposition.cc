#include "common/collect/exposition.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"

namespace exporter {
namespace {

constexpr std::string_view kEndOfOpenMetrics = "# EOF\n";
constexpr int kFastLevel = 1;
constexpr auto kTimeOnScrape = std::chrono::seconds(1);  // of scrape_once(), after the others

/// Those with the same name are adjacent, in the order in which each name first appears.
std::vector<Collector> in_groups(std::vector<Collector> collectors) {
  std::map<std::string, std::size_t> order;
  for (const auto& collector : collectors) order.try_emplace(collector.name, order.size());
  std::ranges::stable_sort(collectors, {},
                           [&](const Collector& collector) { return order[collector.name]; });
  return collectors;
}

FamilyNames declared_names(const std::vector<Collector>& collectors,
                           const std::vector<MetricView>& own) {
  FamilyNames names;
  for (const auto& metric : own) names.declare("the exporter itself", metric);
  for (const auto& collector : collectors) {
    for (const auto& metric : collector.metrics) names.declare(collector.name, metric);
  }
  return names;
}

std::vector<MetricView> joined(std::vector<MetricView> views, const std::vector<MetricView>& more) {
  views.insert(views.end(), more.begin(), more.end());
  return views;
}

void keep_or_replace(std::shared_ptr<const Snapshot>& kept, Samples samples, int level) {
  if (!kept || !kept->samples().same_page(samples)) {
    kept = std::make_shared<const Snapshot>(std::move(samples), level);
  }
}

}  // namespace

/// Concatenates the pages of snapshots.
class Exposition::Joiner {
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

  void add(const std::shared_ptr<const GroupPage>& group) {
    for (const auto& piece : group->pieces(format_)) {
      if (gzip_) {
        add(piece.deflated(), group);
      } else {
        body_.add(piece.text(), group);
      }
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

Exposition::Exposition(std::vector<Collector> collectors, Options options)
    : options_(std::move(options)),
      outcomes_(options_.outcomes),
      names_(declared_names(collectors, joined(outcomes_.metrics(), options_.self_metrics))),
      parts_(1 + options_.self.size()),
      runner_(in_groups(std::move(collectors)),
              {std::string(options_.outcomes.source_label), options_.count_failure}) {}

void Exposition::inherit(const Exposition& old) {
  runner_.inherit(old.runner_, [this](const Collector& collector, const Snapshot& shown) {
    return names_.declared_otherwise(collector.name, shown.samples());
  });
}

Body Exposition::scrape(const Query& query) {
  const auto selected = select(query);
  auto views = runner_.collect(selected, query.until);
  return join(selected, std::move(views), query.format, query.gzip);
}

Body Exposition::scrape_once(Format format, Clock::time_point until, bool& failed) {
  const auto selected = all();
  Indices in_background;
  for (const auto index : selected) {
    const auto& schedule = runner_.collector(index).schedule;
    if (std::holds_alternative<Every>(schedule)) in_background.push_back(index);
  }
  // Figures read on scrape, such as those of ledgers, must include what the others have counted.
  runner_.collect(in_background, until, Runner::Which::all);
  auto views = runner_.collect(selected, later(until, kTimeOnScrape));
  failed = std::any_of(views.begin(), views.end(), [](const Runner::View& view) {
    return view.status->outcome != Status::Outcome::success;
  });
  return join(selected, std::move(views), format, false);
}

Clock::duration Exposition::longest_once() const {
  struct Source {
    Clock::duration longest{};
    Clock::rep collectors = 0, at_once = 0;
  };
  std::map<std::string_view, Source> sources;
  for (std::size_t i = 0; i < runner_.size(); ++i) {
    const auto& collector = runner_.collector(i);
    auto& source = sources[collector.source];
    source.longest = std::max(source.longest, collector.timeout);
    if (collector.at_once == 0) continue;
    source.at_once = static_cast<Clock::rep>(collector.at_once);
    ++source.collectors;
  }
  Clock::duration longest{};
  for (const auto& [name, source] : sources) {
    const auto rounds =
        source.at_once == 0 ? 1 : (source.collectors + source.at_once - 1) / source.at_once;
    longest = std::max(longest, times(source.longest, rounds));
  }
  return longest;
}

std::vector<Exposition::Overview> Exposition::overview() const {
  std::vector<Overview> all;
  const auto views = runner_.views();
  auto histories = runner_.histories();
  for (std::size_t i = 0; i < views.size(); ++i) {
    all.push_back({&runner_.collector(i), views[i].status, std::move(histories[i])});
  }
  return all;
}

Exposition::Indices Exposition::all() const {
  Indices indices(runner_.size());
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return indices;
}

Exposition::Indices Exposition::select(const Query& query) const {
  if (!query.collect.empty() && !query.exclude.empty()) {
    throw Error(Reason::config, "collect[] and exclude[] are mutually exclusive");
  }
  Indices selected;
  for (const auto& name : query.collect) {
    const auto named = indices_of(name);
    if (named.empty() && std::ranges::find(options_.foreign, name) == options_.foreign.end()) {
      throw Error(Reason::config, "there is no enabled collector \"" + name + "\"");
    }
    selected.insert(selected.end(), named.begin(), named.end());
  }
  if (query.collect.empty()) selected = all();
  for (const auto& name : query.exclude) {
    for (const auto index : indices_of(name)) std::erase(selected, index);
  }
  std::sort(selected.begin(), selected.end());
  selected.erase(std::unique(selected.begin(), selected.end()), selected.end());
  return selected;
}

Exposition::Indices Exposition::indices_of(std::string_view name) const {
  auto indices = all();
  std::erase_if(indices, [&](auto index) { return runner_.collector(index).name != name; });
  return indices;
}

/// Removes the families that other collectors use from the snapshot; returns how many samples they
/// had.
std::size_t Exposition::reduce(std::size_t index, std::shared_ptr<const Snapshot>& snapshot) {
  const auto& collector = runner_.collector(index);
  const auto& clashes = names_.clashes(index, collector.name, snapshot->samples());
  auto& reduced = reduced_[index];
  if (clashes.empty()) {
    reduced = {};
    return 0;
  }
  if (reduced.from != snapshot || reduced.left_out != clashes) {
    reduced.from = snapshot;
    reduced.rest =
        std::make_shared<const Snapshot>(snapshot->samples().without(clashes), snapshot->level());
  }
  if (reduced.left_out != clashes) {
    log::warn("a metric has a name that is another one's, and is left out",
              {{"collector", collector.name}, {"metric", *clashes.begin()}});
    reduced.left_out = clashes;
  }
  snapshot = reduced.rest;
  return reduced.from->samples().size() - reduced.rest->samples().size();
}

std::vector<Outcomes::Shown> Exposition::without_clashes(const Indices& selected,
                                                         std::vector<Runner::View>& views) {
  std::vector<Outcomes::Shown> shown;
  shown.reserve(selected.size());
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < selected.size(); ++i) {
    auto& snapshot = views[i].snapshot;
    // A collector that no longer has named families must release the names that it held.
    const bool may_clash =
        snapshot && (snapshot->samples().has_named() || reduced_.contains(selected[i]));
    shown.push_back({&runner_.collector(selected[i]), views[i].status.get(),
                     may_clash ? reduce(selected[i], snapshot) : 0});
  }
  return shown;
}

/// Whether a source is up depends on all of its collectors, not only on those that were requested.
void Exposition::add_up(Samples& samples, const Indices& selected,
                        const std::vector<Runner::View>& views) {
  auto all = runner_.views();
  for (std::size_t i = 0; i < selected.size(); ++i) all[selected[i]] = views[i];
  std::set<std::string_view> sources;
  for (const auto index : selected) sources.insert(runner_.collector(index).source);
  std::vector<Outcomes::Shown> shown;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& collector = runner_.collector(i);
    if (sources.contains(collector.source)) shown.push_back({&collector, all[i].status.get(), 0});
  }
  outcomes_.add_up(samples, shown);
}

std::shared_ptr<const GroupPage> Exposition::group_page(const std::string& name,
                                                        Snapshots members) {
  const std::lock_guard lock(mutex_);
  auto& kept = groups_[name];
  if (!kept || kept->members() != members) {
    kept = std::make_shared<const GroupPage>(std::move(members));
  }
  return kept;
}

Body Exposition::join(const Indices& selected, std::vector<Runner::View> views, Format format,
                      bool gzip) {
  const auto shown = without_clashes(selected, views);
  Joiner joiner(format, gzip);
  Snapshots members;
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const auto& collector = *shown[i].collector;
    auto& snapshot = views[i].snapshot;
    if (collector.source.empty()) {
      if (snapshot) joiner.add(std::move(snapshot));
      continue;
    }
    if (snapshot) members.push_back(std::move(snapshot));
    const bool ends = i + 1 == selected.size() || shown[i + 1].collector->name != collector.name;
    if (ends && !members.empty()) {
      joiner.add(group_page(collector.name, std::exchange(members, {})));
    }
  }
  add_outcomes(joiner, shown, views);
  std::size_t part = 0;
  const auto add = [&](int level, const auto& fill) {
    Samples samples;
    fill(samples);
    std::unique_lock lock(mutex_);
    keep_or_replace(parts_[part], std::move(samples), level);
    auto kept = parts_[part++];
    lock.unlock();
    joiner.add(std::move(kept));
  };
  if (!options_.outcomes.source_label.empty()) {
    add(kFastLevel, [&](Samples& samples) { add_up(samples, selected, views); });
  }
  for (const auto& self : options_.self) add(self.level, self.add);
  return std::move(joiner).finish();
}

void Exposition::add_outcomes(Joiner& joiner, const std::vector<Outcomes::Shown>& shown,
                              const std::vector<Runner::View>& views) {
  std::vector<Outcomes::Shown> in_background, on_scrape;
  for (const auto& each : shown) {
    const bool is_background = std::holds_alternative<Every>(each.collector->schedule);
    (is_background ? in_background : on_scrape).push_back(each);
  }
  const auto background = of_background(std::move(in_background), views);
  std::unique_lock lock(mutex_);
  const auto others = of_runs(on_scrape_, on_scrape);
  lock.unlock();
  joiner.add(group_page(" outcomes", {background.outcomes, others.outcomes}));
  joiner.add(group_page(" times", {background.times, others.times}));
}

/// Reused until a collector has run, so that a scrape does not format the results of each
/// background collector.
Exposition::OfRuns Exposition::of_background(std::vector<Outcomes::Shown> shown,
                                             const std::vector<Runner::View>& views) {
  const std::lock_guard lock(mutex_);
  if (!background_.outcomes || background_shown_ != shown) {
    of_runs(background_, shown);
    background_shown_ = std::move(shown);
    background_statuses_.clear();
    for (const auto& view : views) background_statuses_.push_back(view.status);
  }
  return background_;
}

Exposition::OfRuns Exposition::of_runs(OfRuns& kept, std::span<const Outcomes::Shown> shown) const {
  Samples outcomes, times;
  outcomes_.add_outcomes(outcomes, shown);
  outcomes_.add_times(times, shown);
  outcomes.group_by_family();
  times.group_by_family();
  keep_or_replace(kept.outcomes, std::move(outcomes), kFastLevel);
  keep_or_replace(kept.times, std::move(times), kFastLevel);
  return kept;
}

}  // namespace exporter
