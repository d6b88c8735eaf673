#include "exporters/snowflake/warehouse_size.h"

#include <string>
#include <utility>

#include "common/base/text.h"

namespace exporter::snowflake {
namespace {

/// Without the characters in which spellings differ: "2X-Large", "2XLARGE", "XXLARGE".
std::string bare(std::string_view size) {
  std::string letters;
  for (const char c : to_upper(size)) {
    if (c != '-' && c != '_' && c != ' ') letters += c;
  }
  return letters;
}

std::optional<double> base_credits(std::string_view size) {
  static constexpr std::pair<std::string_view, double> kSizes[] = {
      {"XSMALL", 1},    {"SMALL", 2},     {"MEDIUM", 4},    {"LARGE", 8},
      {"XLARGE", 16},   {"2XLARGE", 32},  {"XXLARGE", 32},  {"3XLARGE", 64},
      {"XXXLARGE", 64}, {"4XLARGE", 128}, {"5XLARGE", 256}, {"6XLARGE", 512},
  };
  const auto name = bare(size);
  for (const auto& [known, credits] : kSizes) {
    if (known == name) return credits;
  }
  return std::nullopt;
}

std::optional<double> factor(std::string_view type, std::string_view constraint) {
  const auto kind = bare(type), of = bare(constraint);
  if (kind == "SNOWPARKOPTIMIZED") {
    const bool is_default = of.empty() || of == "MEMORY16X" || of == "MEMORY16XX86";
    return is_default ? std::optional(1.5) : std::nullopt;
  }
  if (!kind.empty() && kind != "STANDARD") return std::nullopt;
  if (of.empty() || of == "1" || of == "STANDARDGEN1") return 1;
  if (of == "2" || of == "STANDARDGEN2") return 1.35;
  return std::nullopt;
}

}  // namespace

std::optional<double> credits_per_hour(const WarehouseSize& of) {
  const auto credits = base_credits(of.size);
  const auto times = factor(of.type, of.constraint);
  if (!credits || !times) return std::nullopt;
  return *credits * *times;
}

std::optional<double> credits_per_hour(const Row& row) {
  const auto size = row.text("size").value_or(""), type = row.text("type").value_or("");
  auto constraint = row.text("resource_constraint");
  if (!constraint) constraint = row.text("generation");
  return credits_per_hour(
      WarehouseSize{.size = size, .type = type, .constraint = constraint.value_or("")});
}

}  // namespace exporter::snowflake
