#include "exporters/dbt/artifacts.h"

#include "exporters/dbt/counters.h"
#include "exporters/dbt/families.h"
#include "exporters/dbt/follower.h"

namespace exporter::dbt {
namespace {

constexpr const Part* kParts[] = {&kNodes,    &kOrigins,   &kInvocations, &kFreshness,
                                  &kCoverage, &kExposures, &kCatalog};

constexpr auto kKeepStaleFor = std::chrono::hours(1);
/// Results that the next run overwrites are lost, so failures do not make the pause longer.
constexpr Every kLocal{.interval = std::chrono::seconds(1),
                       .keep_stale_for = kKeepStaleFor,
                       .longest_pause = std::chrono::seconds(1)};
/// For sources whose listing costs requests.
constexpr Every kRemote{std::chrono::seconds(15), kKeepStaleFor};

class Artifacts {
 public:
  explicit Artifacts(ProjectSource& source)
      : source_(source), follower_(source.name, source.list, source.ledger, source.labels) {}

  void collect(Samples& samples, const Deadline& deadline) {
    try {
      follower_.update(deadline);
    } catch (const Error& error) {
      samples.set_failure(error);
    }
    if (revision() == shown_revision_) return samples.keep_last();
    add_to(samples);
    shown_revision_ = revision();
  }

 private:
  std::uint64_t revision() const {
    return 1 + follower_.revision() + (source_.cloud ? source_.cloud->revision() : 0);
  }

  void add_to(Samples& samples) const {
    const auto& project = follower_.project();
    follower_.add_to(samples);
    const auto shown = source_.selection.choose(project, samples);
    for (const auto* part : kParts) part->add(samples, project, shown);
    add_counters(samples, follower_.ledger(), {shown.begin(), shown.end()});
    if (source_.cloud) source_.cloud->add_to(samples);
  }

  ProjectSource& source_;
  Follower follower_;
  std::uint64_t shown_revision_ = 0;
};

std::vector<MetricView> all_metrics() {
  std::vector<MetricView> metrics(Follower::metrics().begin(), Follower::metrics().end());
  for (const auto* part : kParts) {
    metrics.insert(metrics.end(), part->metrics.begin(), part->metrics.end());
  }
  metrics.insert(metrics.end(), counters().begin(), counters().end());
  metrics.insert(metrics.end(), Cloud::metrics().begin(), Cloud::metrics().end());
  return metrics;
}

Schedule schedule_for(const ProjectSource& source) { return source.is_remote ? kRemote : kLocal; }

}  // namespace

double unix_seconds(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

const Module& artifacts() {
  static const auto metrics = all_metrics();
  static const Module module{
      "artifacts", Module::Default::on,     metrics,     Selection::flags(), make<Artifacts>,
      kLocal,      std::chrono::minutes(5), schedule_for};
  return module;
}

}  // namespace exporter::dbt
