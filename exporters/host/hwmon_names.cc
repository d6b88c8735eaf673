#include "exporters/host/hwmon_names.h"

#include <algorithm>

#include "common/base/text.h"

namespace exporter::host {
namespace {

using Unit = SensorFamily::Unit;

constexpr std::string_view kTypes[] = {
    "beep_enable", "cpu", "curr", "energy",          "fan", "freq", "humidity", "in", "intrusion",
    "power",       "pwm", "temp", "update_interval", "vrm"};

constexpr std::string_view kAny = "*";

/// Types of elements with units; the first matching rule applies.
struct Rule {
  std::string_view type, element, suffix;
  Unit unit;
  std::string_view help;
};
constexpr Rule kRules[] = {
    {kAny, "fault", "", Unit::one, "Hardware sensor fault status"},
    {kAny, "alarm", "", Unit::one, "Hardware sensor alarm status"},
    {kAny, "beep", "_enabled", Unit::one, "Hardware monitor sensor has beeping enabled"},
    {"in", kAny, "_volts", Unit::milli, "Hardware monitor for voltage"},
    {"cpu", kAny, "_volts", Unit::milli, "Hardware monitor for voltage"},
    {"temp", "type", "", Unit::one, "Hardware monitor temp element"},
    {"temp", kAny, "_celsius", Unit::milli, "Hardware monitor for temperature"},
    {"curr", kAny, "_amps", Unit::milli, "Hardware monitor for current"},
    {"energy", kAny, "_joule_total", Unit::micro, "Hardware monitor for joules used so far"},
    {"power", "accuracy", "", Unit::micro, "Hardware monitor power meter accuracy, as a ratio"},
    {"power", "average_interval", "_seconds", Unit::milli,
     "Hardware monitor power usage update interval"},
    {"power", "average_interval_min", "_seconds", Unit::milli,
     "Hardware monitor power usage update interval"},
    {"power", "average_interval_max", "_seconds", Unit::milli,
     "Hardware monitor power usage update interval"},
    {"power", kAny, "_watt", Unit::micro, "Hardware monitor for power usage in watts"},
    {"humidity", kAny, "", Unit::micro, "Hardware monitor for humidity, as a ratio"},
    {"fan", "input", "_rpm", Unit::one, "Hardware monitor for fan revolutions per minute"},
    {"fan", "min", "_rpm", Unit::one, "Hardware monitor for fan revolutions per minute"},
    {"fan", "max", "_rpm", Unit::one, "Hardware monitor for fan revolutions per minute"},
    {"fan", "target", "_rpm", Unit::one, "Hardware monitor for fan revolutions per minute"},
    {"freq", "input", "_freq_mhz", Unit::micro, "Hardware monitor for GPU frequency in MHz"},
    {kAny, kAny, "", Unit::one, "Hardware monitor element"},
};

const Rule& rule_of(std::string_view type, std::string_view element) {
  return *std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& rule) {
    return (rule.type == kAny || rule.type == type) &&
           (rule.element == kAny || rule.element == element);
  });
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<SensorFile> sensor_file(std::string_view name) {
  const auto digits = std::find_if(name.begin(), name.end(), is_digit);
  const auto end = std::find_if_not(digits, name.end(), is_digit);
  const auto size = static_cast<std::size_t>(digits - name.begin());
  SensorFile file{name.substr(0, size), 0, {}};
  if (!std::binary_search(std::begin(kTypes), std::end(kTypes), file.type)) return std::nullopt;
  const auto number = name.substr(size, static_cast<std::size_t>(end - digits));
  const auto rest = name.substr(size + number.size());
  if (!number.empty()) {
    const auto parsed = parse_number<unsigned>(number);
    if (!parsed) return std::nullopt;
    file.number = *parsed;
  }
  if (rest == "_" || (!rest.empty() && rest[0] != '_')) return std::nullopt;
  if (!rest.empty()) file.element = rest.substr(1);
  return file;
}

std::string clean_name(std::string_view name) {
  std::string clean;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      clean += static_cast<char>(c | 0x20);
    } else if ((c >= 'a' && c <= 'z') || is_digit(c) || c == ':') {
      clean += c;
    } else if ((c & 0xC0) != 0x80) {  // one for all bytes of a UTF-8 character
      clean += '_';
    }
  }
  const auto first = clean.find_first_not_of('_');
  if (first == std::string::npos) return {};
  return clean.substr(first, clean.find_last_not_of('_') + 1 - first);
}

double SensorFamily::in_base_unit(double value) const {
  switch (unit) {
    case Unit::milli: return value * 0.001;
    case Unit::micro: return value / 1e6;
    case Unit::one: break;
  }
  return value;
}

SensorFamily sensor_family(std::string_view type, std::string_view element, bool shares_name) {
  const auto& rule = rule_of(type, element);
  std::string name = "node_hwmon_" + std::string(type);
  if (element == "input") {
    if (shares_name) name += "_input";
  } else if (!element.empty()) {
    name += '_' + clean_name(element);
  }
  name += rule.suffix;
  const bool is_counter = rule.type == "energy";
  return {is_counter ? MetricType::counter : MetricType::gauge, rule.unit, std::move(name),
          std::string(rule.help) + " (" + std::string(type) + ' ' +
              std::string(element.empty() ? "input" : element) + ')'};
}

}  // namespace exporter::host
