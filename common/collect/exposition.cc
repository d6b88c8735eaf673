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

std::vector<Outcomes::Source> sources_of(const Runner& runner) {
  std::vector<const Collector*> collectors(runner.size());
  for (std::size_t i = 0; i < collectors.size(); ++i) collectors[i] = &runner.collector(i);
  return Outcomes::sources(collectors);
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
      groups_(collectors.size()),
      self_(options_.self.size()),
      runner_(in_groups(std::move(collectors)),
              {std::string(options_.outcomes.source_label), options_.count_failure}),
      sources_(sources_of(runner_)) {}

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

Exposition::Runs Exposition::without_clashes(const Indices& selected,
                                             std::vector<Runner::View>& views) {
  Runs runs;
  runs.in_background.reserve(selected.size());
  for (std::size_t i = 0; i < selected.size(); ++i) {
    auto& snapshot = views[i].snapshot;
    // A collector that no longer has named families must release the names that it held.
    const bool may_clash =
        snapshot && (snapshot->samples().has_named() || reduced_.contains(selected[i]));
    const auto& collector = runner_.collector(selected[i]);
    const bool in_background = std::holds_alternative<Every>(collector.schedule);
    (in_background ? runs.in_background : runs.on_scrape)
        .push_back(Outcomes::shown(collector, *views[i].status,
                                   may_clash ? reduce(selected[i], snapshot) : 0));
  }
  return runs;
}

/// Whether a source is up depends on all of its collectors, not only on those that were requested.
Exposition::Ups Exposition::which_are_up(const Indices& selected,
                                         const std::vector<Runner::View>& views) const {
  std::vector<Runner::View> all;
  if (selected.size() < runner_.size()) all = runner_.views();
  std::vector<const Status*> statuses;
  for (const auto& view : all.empty() ? views : all) statuses.push_back(view.status.get());
  std::set<std::string_view> wanted;
  for (std::size_t i = 0; !all.empty() && i < selected.size(); ++i) {
    statuses[selected[i]] = views[i].status.get();
    wanted.insert(runner_.collector(selected[i]).source);
  }
  Ups ups;
  for (const auto& source : sources_) {
    if (!all.empty() && !wanted.contains(source.name)) continue;
    if (const auto is_up = outcomes_.is_up(source, statuses)) ups.emplace_back(source.name, *is_up);
  }
  return ups;
}

const std::shared_ptr<const GroupPage>& Exposition::group_page(
    std::shared_ptr<const GroupPage>& kept, const Snapshots& members) {
  if (!kept || kept->members() != members) kept = std::make_shared<const GroupPage>(members);
  return kept;
}

Body Exposition::join(const Indices& selected, std::vector<Runner::View> views, Format format,
                      bool gzip) {
  const auto ups = which_are_up(selected, views);
  std::unique_lock lock(mutex_);
  auto runs = without_clashes(selected, views);
  auto parts = parts_of(selected, std::move(views));
  add_runs(parts, std::move(runs));
  if (!options_.outcomes.source_label.empty()) parts.emplace_back(up(ups));
  lock.unlock();
  for (std::size_t i = 0; i < self_.size(); ++i) {
    Samples samples;
    options_.self[i].add(samples);
    lock.lock();
    keep_or_replace(self_[i], std::move(samples), options_.self[i].level);
    parts.emplace_back(self_[i]);
    lock.unlock();
  }
  Joiner joiner(format, gzip);
  for (auto& part : parts) {
    std::visit([&](auto& page) { joiner.add(std::move(page)); }, part);
  }
  return std::move(joiner).finish();
}

std::vector<Exposition::Part> Exposition::parts_of(const Indices& selected,
                                                   std::vector<Runner::View> views) {
  std::vector<Part> parts;
  parts.reserve(selected.size() + self_.size() + 3);
  Snapshots members;
  std::size_t first = 0;
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const auto& collector = runner_.collector(selected[i]);
    auto& snapshot = views[i].snapshot;
    if (collector.source.empty()) {
      if (snapshot) parts.emplace_back(std::move(snapshot));
      continue;
    }
    if (snapshot) members.push_back(std::move(snapshot));
    const bool ends =
        i + 1 == selected.size() || runner_.collector(selected[i + 1]).name != collector.name;
    if (!ends) continue;
    if (!members.empty()) parts.emplace_back(group_page(groups_[selected[first]], members));
    members.clear();
    first = i + 1;
  }
  return parts;
}

void Exposition::add_runs(std::vector<Part>& parts, Runs runs) {
  update(background_, std::move(runs.in_background));
  update(on_scrape_, std::move(runs.on_scrape));
  parts.emplace_back(group_page(outcomes_page_, {background_.outcomes, on_scrape_.outcomes}));
  parts.emplace_back(group_page(times_page_, {background_.times, on_scrape_.times}));
}

/// Formats again only what has changed since the last scrape.
void Exposition::update(OfRuns& kept, std::vector<Outcomes::Shown> shown) const {
  using Shown = Outcomes::Shown;
  const auto changed = [&](auto what) {
    return !std::ranges::equal(shown, kept.shown, [&](const Shown& a, const Shown& b) {
      return a.collector == b.collector && a.*what == b.*what;
    });
  };
  const auto make = [&](std::shared_ptr<const Snapshot>& page, auto add) {
    Samples samples;
    (outcomes_.*add)(samples, shown);
    samples.group_by_family();
    page = std::make_shared<const Snapshot>(std::move(samples), kFastLevel);
  };
  if (!kept.outcomes || changed(&Shown::outcome)) make(kept.outcomes, &Outcomes::add_outcomes);
  if (!kept.times || changed(&Shown::times)) make(kept.times, &Outcomes::add_times);
  kept.shown = std::move(shown);
}

std::shared_ptr<const Snapshot> Exposition::up(const Ups& ups) {
  if (!up_ || ups_ != ups) {
    Samples samples;
    for (const auto& [source, is_up] : ups) outcomes_.add_up(samples, source, is_up);
    up_ = std::make_shared<const Snapshot>(std::move(samples), kFastLevel);
    ups_ = ups;
  }
  return up_;
}

}  // namespace exporter
