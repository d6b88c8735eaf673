#include "exporters/snowflake/interval.h"

#include <cstdint>
#include <utility>

#include "common/base/text.h"

namespace exporter::snowflake {

std::optional<std::chrono::seconds> parse_interval(std::string_view text) {
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86'400}, {"week", 604'800}};
  constexpr std::int64_t kMost = 1'000'000;  // of a unit
  const auto number = parse_number<std::int64_t>(next_word(text));
  auto unit = to_lower(next_word(text));
  if (!number || *number < 0 || *number > kMost || !trim(text).empty()) return std::nullopt;
  if (unit.ends_with('s')) unit.pop_back();
  for (const auto& [name, seconds] : kUnits) {
    if (name == unit) return std::chrono::seconds(*number * seconds);
  }
  return std::nullopt;
}

}  // namespace exporter::snowflake
