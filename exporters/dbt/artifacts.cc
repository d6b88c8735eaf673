#include "exporters/dbt/artifacts.h"

#include "exporters/dbt/counters.h"
#include "exporters/dbt/families.h"
#include "exporters/dbt/follower.h"
#include "exporters/dbt/projects.h"

namespace exporter::dbt {
namespace {

constexpr Flag kInterval{"artifacts.interval", "15s", "How often to look for new artifacts."};

constexpr const Part* kParts[] = {&kNodes,    &kInvocations, &kFreshness,
                                  &kCoverage, &kExposures,   &kCatalog};

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
  flags.insert(flags.end(), Selection::flags().begin(), Selection::flags().end());
  return flags;
}

Collector make_artifacts(const App::Inputs& inputs, Ledgers& ledgers) {
  const auto interval = inputs.settings.duration(kInterval.name);
  if (interval < std::chrono::seconds(1)) {
    inputs.settings.fail(kInterval.name, "expected a duration of at least 1s");
  }
  const auto followers = std::make_shared<std::vector<Follower>>();
  std::vector<std::shared_ptr<const Cloud>> clouds;
  for (auto& place : read_projects(inputs, ledgers)) {
    followers->emplace_back(std::move(place.project), std::move(place.source),
                            std::move(place.ledger));
    if (place.cloud) clouds.push_back(std::move(place.cloud));
  }
  const auto selection = std::make_shared<Selection>(inputs.settings);
  Collector collector;
  collector.name = "artifacts";
  collector.schedule = Every{interval, std::chrono::hours(1)};
  collector.timeout = std::chrono::minutes(5);
  collector.metrics = artifacts_metrics();
  collector.collect = [followers, clouds, selection, shown_revision = std::uint64_t{0}](
                          Samples& samples, const Deadline& deadline) mutable {
    std::uint64_t revision = 1;
    for (auto& follower : *followers) {
      follower.update(deadline);
      revision += follower.revision();
    }
    for (const auto& cloud : clouds) revision += cloud->revision();
    if (revision == shown_revision) return samples.keep_last();
    for (const auto& follower : *followers) {
      const auto& project = follower.project();
      follower.add_to(samples);
      const auto shown = selection->choose(project, samples);
      for (const auto* part : kParts) part->add(samples, project, shown);
      add_counters(samples, follower.ledger(), {shown.begin(), shown.end()});
    }
    for (const auto& cloud : clouds) cloud->add_to(samples);
    shown_revision = revision;
  };
  return collector;
}

}  // namespace exporter::dbt
