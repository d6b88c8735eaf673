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

constexpr const char* kName = "artifacts";

constexpr const Part* kParts[] = {&kNodes,    &kInvocations, &kFreshness,
                                  &kCoverage, &kExposures,   &kCatalog};

Clock::duration read_interval(const Settings& settings, const Flag& flag) {
  const auto interval = settings.duration(flag.name);
  if (interval < std::chrono::seconds(1)) {
    settings.fail(flag.name, "expected a duration of at least 1s");
  }
  return interval;
}

/// A project, and what is shown of it.
struct Watched {
  Follower follower;
  std::shared_ptr<const Cloud> cloud;
  std::uint64_t shown_revision = 0;

  std::uint64_t revision() const {
    return 1 + follower.revision() + (cloud ? cloud->revision() : 0);
  }
};

void add_to(Samples& samples, const Watched& watched, const Selection& selection) {
  const auto& project = watched.follower.project();
  watched.follower.add_to(samples);
  const auto shown = selection.choose(project, samples);
  for (const auto* part : kParts) part->add(samples, project, shown);
  add_counters(samples, watched.follower.ledger(), {shown.begin(), shown.end()});
  if (watched.cloud) watched.cloud->add_to(samples);
}

Collector make_collector(Place place, Clock::duration interval,
                         std::shared_ptr<const Selection> selection) {
  Collector collector;
  collector.name = std::string(kName) + '/' + place.project;
  collector.group = kName;
  collector.schedule = Every{interval, std::chrono::hours(1)};
  collector.timeout = std::chrono::minutes(5);
  collector.metrics = artifacts_metrics();
  const auto watched = std::make_shared<Watched>(
      Watched{Follower(std::move(place.project), std::move(place.source), std::move(place.ledger)),
              std::move(place.cloud)});
  collector.collect = [watched, selection = std::move(selection)](Samples& samples,
                                                                  const Deadline& deadline) {
    watched->follower.update(deadline);
    if (watched->revision() == watched->shown_revision) return samples.keep_last();
    add_to(samples, *watched, *selection);
    watched->shown_revision = watched->revision();
  };
  return collector;
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

std::vector<Collector> make_artifacts(const App::Inputs& inputs, Ledgers& ledgers) {
  const auto interval = read_interval(inputs.settings, kInterval);
  const auto remote_interval = read_interval(inputs.settings, kRemoteInterval);
  const auto selection = std::make_shared<const Selection>(inputs.settings);
  std::vector<Collector> collectors;
  for (auto& place : read_projects(inputs, ledgers)) {
    const auto often = place.is_remote ? remote_interval : interval;
    collectors.push_back(make_collector(std::move(place), often, selection));
  }
  return collectors;
}

}  // namespace exporter::dbt
