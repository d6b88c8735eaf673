#include "exporters/dbt/artifacts.h"

#include "exporters/dbt/counters.h"
#include "exporters/dbt/families.h"
#include "exporters/dbt/follower.h"
#include "exporters/dbt/projects.h"

namespace exporter::dbt {
namespace {

constexpr Flag kInterval{
    "artifacts.interval", "1s",
    "How often to look for new artifacts in folders: what dbt has written over "
    "by then is not seen."};
constexpr Flag kRemoteInterval{"artifacts.remote-interval", "15s",
                               "How often to look elsewhere, where a look costs requests."};

/// A project that is looked at, each at its own pace.
struct Watched {
  Follower follower;
  std::shared_ptr<const Cloud> cloud;
  Clock::duration interval;
  Clock::time_point due = {};
};

constexpr const Part* kParts[] = {&kNodes,    &kInvocations, &kFreshness,
                                  &kCoverage, &kExposures,   &kCatalog};

Clock::duration read_interval(const Settings& settings, const Flag& flag) {
  const auto interval = settings.duration(flag.name);
  if (interval < std::chrono::seconds(1)) {
    settings.fail(flag.name, "expected a duration of at least 1s");
  }
  return interval;
}

void look(Watched& watched, const Deadline& deadline) {
  const auto now = Clock::now();
  if (now < watched.due) return;
  watched.follower.update(deadline);
  watched.due = now + watched.interval;
}

void add_to(Samples& samples, const Watched& watched, const Selection& selection) {
  const auto& project = watched.follower.project();
  watched.follower.add_to(samples);
  const auto shown = selection.choose(project, samples);
  for (const auto* part : kParts) part->add(samples, project, shown);
  add_counters(samples, watched.follower.ledger(), {shown.begin(), shown.end()});
  if (watched.cloud) watched.cloud->add_to(samples);
}

}  // namespace

double unix_seconds(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

std::vector<MetricView> artifacts_metrics() {
  std::vector<MetricView> metrics(Follower::metrics().begin(), Follower::metrics().end());
  for (const auto* part : kParts) {
    metrics.insert(metrics.end(), part->metrics.begin(), part->metrics.end());
  }
  metrics.insert(metrics.end(), counters().begin(), counters().end());
  metrics.insert(metrics.end(), Cloud::metrics().begin(), Cloud::metrics().end());
  return metrics;
}

std::vector<Flag> artifacts_flags() {
  std::vector<Flag> flags(project_flags().begin(), project_flags().end());
  flags.push_back(kInterval);
  flags.push_back(kRemoteInterval);
  flags.insert(flags.end(), Selection::flags().begin(), Selection::flags().end());
  return flags;
}

Collector make_artifacts(const App::Inputs& inputs, Ledgers& ledgers) {
  const auto interval = read_interval(inputs.settings, kInterval);
  const auto remote_interval = read_interval(inputs.settings, kRemoteInterval);
  const auto all = std::make_shared<std::vector<Watched>>();
  for (auto& place : read_projects(inputs, ledgers)) {
    all->push_back(
        {Follower(std::move(place.project), std::move(place.source), std::move(place.ledger)),
         std::move(place.cloud), place.is_remote ? remote_interval : Clock::duration::zero()});
  }
  const auto selection = std::make_shared<Selection>(inputs.settings);
  Collector collector;
  collector.name = "artifacts";
  collector.schedule = Every{interval, std::chrono::hours(1)};
  collector.timeout = std::chrono::minutes(5);
  collector.metrics = artifacts_metrics();
  collector.collect = [all, selection, shown_revision = std::uint64_t{0}](
                          Samples& samples, const Deadline& deadline) mutable {
    std::uint64_t revision = 1;
    for (auto& watched : *all) {
      look(watched, deadline);
      revision += watched.follower.revision();
      if (watched.cloud) revision += watched.cloud->revision();
    }
    if (revision == shown_revision) return samples.keep_last();
    for (const auto& watched : *all) add_to(samples, watched, *selection);
    shown_revision = revision;
  };
  return collector;
}

}  // namespace exporter::dbt
