#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/settings.h"
#include "common/collect/collector.h"
#include "common/collect/past.h"

namespace exporter {

/// One collector as an exporter declares it: its name, its metrics and how to make it for a source.
/// Each has a file of its own and an entry in the exporter's list.
template <class Source>
struct Module {
  enum class Default { on, off };

  std::string_view name;
  Default enabled;
  std::span<const MetricView> metrics;  ///< a name may hold `<word>`, which stands for any text
  std::span<const Flag> flags;
  CollectFunction (*make)(const std::shared_ptr<Source>& source);
  Schedule schedule = OnScrape{};
  Clock::duration timeout = std::chrono::seconds(10);  ///< of one run
  /// Overrides `schedule` if it depends on the source; an interval that the user sets has priority.
  Schedule (*schedule_for)(const Source& source) = nullptr;
  /// Whether it runs whenever it is due, regardless of SourceKind::at_once: for a collector that
  /// asks little and must be fresh.
  bool runs_beside_others = false;
  bool says_up = true;  ///< see Collector
  /// Set if the collector's past can be read, for the command `backfill`.
  ReadPast (*make_past)(const std::shared_ptr<Source>& source, const PastRange& range) = nullptr;
};

/// For Module::make: makes a T(*source), which lives as long as the collector and may keep a
/// reference to the source, and calls its `collect(Samples&, const Deadline&)`.
template <class T, class Source>
CollectFunction make(const std::shared_ptr<Source>& source) {
  struct State {
    explicit State(std::shared_ptr<Source> of) : source(std::move(of)), collector(*source) {}
    std::shared_ptr<Source> source;
    T collector;
  };
  return [state = std::make_shared<State>(source)](Samples& samples, const Deadline& deadline) {
    state->collector.collect(samples, deadline);
  };
}

/// For Module::make of a stateless collector: calls the function `collect(source, samples,
/// deadline)`.
template <auto collect, class Source>
CollectFunction run(const std::shared_ptr<Source>& source) {
  return
      [source](Samples& samples, const Deadline& deadline) { collect(*source, samples, deadline); };
}

/// A Module with its Source type erased.
struct AnyModule {
  std::string_view name;
  bool enabled;
  std::vector<MetricView> metrics;
  std::vector<Flag> flags;
  Schedule schedule;
  Clock::duration timeout;
  std::function<CollectFunction(const std::shared_ptr<void>&)> make;
  std::function<Schedule(const void*)> schedule_for;  ///< may be empty
  bool runs_beside_others, says_up;
  std::function<ReadPast(const std::shared_ptr<void>&, const PastRange&)> make_past;  ///< or empty

  template <class Source>
  explicit AnyModule(const Module<Source>& module)
      : name(module.name),
        enabled(module.enabled == Module<Source>::Default::on),
        metrics(module.metrics.begin(), module.metrics.end()),
        flags(module.flags.begin(), module.flags.end()),
        schedule(module.schedule),
        timeout(module.timeout),
        make([make = module.make](const std::shared_ptr<void>& source) {
          return make(std::static_pointer_cast<Source>(source));
        }),
        runs_beside_others(module.runs_beside_others),
        says_up(module.says_up) {
    if (module.schedule_for != nullptr) {
      schedule_for = [of = module.schedule_for](const void* source) {
        return of(*static_cast<const Source*>(source));
      };
    }
    if (module.make_past != nullptr) {
      make_past = [of = module.make_past](const std::shared_ptr<void>& source,
                                          const PastRange& range) {
        return of(std::static_pointer_cast<Source>(source), range);
      };
    }
  }
};

}  // namespace exporter
