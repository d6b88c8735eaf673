#include "exporters/dbt/artifacts.h"

#include <set>

#include "common/config/yaml.h"
#include "exporters/dbt/families.h"
#include "exporters/dbt/follower.h"

namespace exporter::dbt {
namespace {

constexpr Flag kTarget{"target.path", "./target",
                       "The folder that dbt writes its artifacts to, or a glob of several; the "
                       "configuration file names those of several projects instead."};
constexpr Flag kProject{"target.project", "dbt", "The label `project` of what is found there."};
constexpr Flag kInterval{"artifacts.interval", "15s", "How often to look for new artifacts."};

constexpr const Part* kParts[] = {&kNodes,    &kInvocations, &kFreshness,
                                  &kCoverage, &kExposures,   &kCatalog};

std::vector<Follower> read_projects(const App::Inputs& inputs) {
  std::vector<Follower> followers;
  const auto projects = inputs.file != nullptr ? inputs.file->optional("projects") : std::nullopt;
  if (!projects) {
    followers.emplace_back(inputs.settings.text(kProject.name),
                           folders(inputs.settings.text(kTarget.name)));
    return followers;
  }
  for (const auto& flag : {kTarget, kProject}) {
    if (!inputs.settings.is_default(flag.name)) {
      inputs.settings.fail(flag.name, "the configuration file names the projects");
    }
  }
  std::set<std::string> names;
  for (const auto& project : projects->items()) {
    const auto name = project.required("name");
    if (!names.insert(name.string()).second) name.fail("another project has this name");
    followers.emplace_back(name.string(), folders(project.required("target").string()));
  }
  if (followers.empty()) projects->fail("expected a project");
  return followers;
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
  return metrics;
}

std::vector<Flag> artifacts_flags() {
  std::vector<Flag> flags = {kTarget, kProject, kInterval};
  flags.insert(flags.end(), Selection::flags().begin(), Selection::flags().end());
  return flags;
}

Collector make_artifacts(const App::Inputs& inputs) {
  const auto interval = inputs.settings.duration(kInterval.name);
  if (interval < std::chrono::seconds(1)) {
    inputs.settings.fail(kInterval.name, "expected a duration of at least 1s");
  }
  auto followers = std::make_shared<std::vector<Follower>>(read_projects(inputs));
  const auto selection = std::make_shared<Selection>(inputs.settings);
  Collector collector;
  collector.name = "artifacts";
  collector.schedule = Every{interval, std::chrono::hours(1)};
  collector.timeout = std::chrono::minutes(5);
  collector.metrics = artifacts_metrics();
  collector.collect = [followers, selection](Samples& samples, const Deadline& deadline) {
    for (auto& follower : *followers) {
      follower.update(deadline);
      follower.add_to(samples);
      const auto shown = selection->choose(follower.project(), samples);
      for (const auto* part : kParts) part->add(samples, follower.project(), shown);
    }
  };
  return collector;
}

}  // namespace exporter::dbt
