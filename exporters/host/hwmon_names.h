#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/metric/metric.h"

namespace exporter::host {

/// The parts of a file name in /sys/class/hwmon/<chip> (Documentation/hwmon/sysfs-interface):
/// "temp1_crit_alarm" is the element crit_alarm of the sensor temp1 of the type temp. The element
/// may be empty, and so may the number, which is then 0.
struct SensorFile {
  std::string_view type;
  unsigned number;
  std::string_view element;
};

/// Nothing for files that do not belong to a sensor.
std::optional<SensorFile> sensor_file(std::string_view name);

/// The name of a chip or an element in node_exporter's labels and metric names: in lower case, with
/// an underscore for each character that is not a letter, digit or colon, none at the ends.
std::string clean_name(std::string_view name);

/// How an element of a sensor is shown.
struct SensorFamily {
  enum class Unit { one, milli, micro };

  MetricType type;
  Unit unit;  ///< the kernel's unit
  std::string name, help;

  double in_base_unit(double value) const;
};

/// `shares_name`: the sensor has an unnamed element besides the input.
SensorFamily sensor_family(std::string_view type, std::string_view element, bool shares_name);

}  // namespace exporter::host
