#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/time_zone.h"
#include "common/config/yaml.h"

namespace exporter::sql::business {

/// Users who did one thing, and how many of them did another one within a time.
struct Funnel {
  std::string name;
  std::string start, end;  ///< events of bm_events
  std::chrono::milliseconds within;
  std::string by;  ///< "channel", "campaign", or empty
};

/// The key `business` of the configuration file.
struct Config {
  std::string dataset;  ///< a label of every metric
  TimeZone zone;        ///< whose hours and days these are
  Clock::duration every, timeout;
  std::vector<Funnel> funnels;
  std::size_t campaigns;              ///< the most that are named; the others are "other"
  std::chrono::milliseconds max_age;  ///< data that was loaded longer ago are late
  /// Of orders and refunds, as in the configuration of events.
  std::chrono::milliseconds overlap, late, past;
};

/// Reads the key `business`, and gives it when it is of this source. Throws Error{config}; also
/// when it names a source that is not among `sources`.
std::shared_ptr<const Config> read_config(const Yaml& map, const std::string& source,
                                          const std::vector<std::string>& sources);

}  // namespace exporter::sql::business
