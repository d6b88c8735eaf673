#pragma once

#include <memory>

#include "exporters/snowflake/past.h"
#include "exporters/snowflake/usage.h"

namespace exporter::snowflake {

/// For Module::make: the collector of a group.
template <const Group& group>
CollectFunction read_group(const std::shared_ptr<Account>& account) {
  return [account, usage = std::make_shared<Usage>(*account, group)](
             Samples& samples, const Deadline& deadline) { usage->collect(samples, deadline); };
}

/// For Module::make_past: the past of a group.
template <const Group& group>
ReadPast read_past(const std::shared_ptr<Account>& account, const PastRange& range) {
  return [account, past = std::make_shared<Past>(*account, group, range)](
             std::chrono::sys_seconds until, TimedSamples& page, const Deadline& deadline) {
    past->read(until, page, deadline);
  };
}

/// The collector of a group, disabled by default because it costs credits. Each minute it checks
/// whether it is time to read; all groups read at the same times.
template <const Group& group>
constexpr Module group_module(std::span<const MetricView> metrics) {
  return {.name = group.name,
          .enabled = Module::Default::off,
          .metrics = metrics,
          .flags = {},
          .make = read_group<group>,
          .schedule = Every{.interval = std::chrono::minutes(1),
                            .keep_stale_for = std::chrono::minutes(15),
                            .longest_pause = std::chrono::minutes(1),
                            .cycle = std::chrono::minutes(1),
                            .asks = group.pace},
          .timeout = std::chrono::minutes(10),
          .says_up = false,
          .make_past = read_past<group>};
}

}  // namespace exporter::snowflake
