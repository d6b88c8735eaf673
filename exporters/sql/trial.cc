#include "exporters/sql/trial.h"

#include <map>

#include "common/collect/schedule.h"

namespace exporter::sql {
namespace {

/// Has all databases of a plan report their statements during its lifetime.
class Observed {
 public:
  Observed(const std::vector<Planned>& plan, const OnRan& on_ran) {
    for (const auto& planned : plan) databases_[planned.database] = planned.source;
    for (const auto& [database, source] : databases_) {
      database->observe([&on_ran, &name = source](const Database::Ran& ran) { on_ran(name, ran); });
    }
  }
  ~Observed() {
    for (const auto& [database, source] : databases_) database->observe({});
  }
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;

 private:
  std::map<Database*, std::string> databases_;
};

}  // namespace

std::vector<Described> described_for_trial(Source& source) {
  source.is_trial = true;
  return describe_all(std::shared_ptr<Source>(std::shared_ptr<Source>(), &source));
}

std::optional<Error> try_once(const Described& described, Samples& samples,
                              const Deadline& deadline, const OnRan& on_ran) {
  const Observed observed(described.plan(), on_ran);
  try {
    described.collector.collect(
        samples, deadline.no_later_than(later(Clock::now(), described.collector.timeout)));
  } catch (const Error& error) {
    return error;
  }
  return samples.failure();
}

}  // namespace exporter::sql
