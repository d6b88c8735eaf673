#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/metric/metric.h"

namespace exporter::host {

/// What the name of a file in /sys/class/hwmon/<chip> says (Documentation/hwmon/sysfs-interface):
/// "temp1_crit_alarm" is the crit_alarm of temp1, a sensor of the type temp. The element may be
/// empty, and the number too, which is then 0.
struct SensorFile {
  std::string_view type;
  unsigned number;
  std::string_view element;
};

/// Nothing for files that tell of no sensor.
std::optional<SensorFile> sensor_file(std::string_view name);

/// A chip's or an element's name as node_exporter has it in labels and metric names: in lower case,
/// an underscore for each character that is no letter, digit or colon, none at the ends.
std::string clean_name(std::string_view name);

/// How an element of a sensor is shown.
struct SensorFamily {
  enum class Unit { one, milli, micro };

  MetricType type;
  Unit unit;  ///< what the kernel counts in
  std::string name, help;

  double in_base_unit(double value) const;
};

/// `shares_name`: the sensor has an element without a name beside the input.
SensorFamily sensor_family(std::string_view type, std::string_view element, bool shares_name);

}  // namespace exporter::host
