#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/time_zone.h"
#include "common/config/yaml.h"

namespace exporter::sql::business {

/// A funnel: users who did one thing, and how many of them did another within a time.
struct Funnel {
  std::string name;
  std::string start, end;  ///< events of bm_events
  std::chrono::milliseconds within;
  std::string by;  ///< "channel", "campaign", or empty
};

/// The key `business` of the configuration file.
struct Config {
  std::string dataset;  ///< a label of every metric
  TimeZone zone;        ///< the time zone of its hours and days
  Clock::duration every, timeout;
  std::vector<Funnel> funnels;
  std::size_t campaigns;              ///< the maximum that are named; the others are "other"
  std::chrono::milliseconds max_age;  ///< data is late if it was loaded longer ago
  /// For orders and refunds, as in the configuration of events.
  std::chrono::milliseconds overlap, late, past;
};

/// Reads the key `business`; nothing if it is for another source. Throws Error{config}, also if it
/// names a source that is not in `sources`.
std::shared_ptr<const Config> read_config(const Yaml& map, const std::string& source,
                                          const std::vector<std::string>& sources);

}  // namespace exporter::sql::business
