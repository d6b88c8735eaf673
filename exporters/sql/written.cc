#include "exporters/sql/written.h"

#include <algorithm>
#include <cstdio>
#include <variant>
#include <vector>

#include "common/base/text.h"
#include "common/base/time.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kShownCell = 40;

std::string cell(const Table& table, std::size_t row, std::size_t column) {
  const auto text = table.at(row, column);
  return text ? printable(*text, kShownCell) : "NULL";
}

}  // namespace

std::string pace_of(const Collector& collector) {
  const auto text_of = [](Clock::duration duration) {
    return format_duration(std::chrono::floor<std::chrono::milliseconds>(duration));
  };
  const auto* every = std::get_if<Every>(&collector.schedule);
  const auto text = every == nullptr ? "on each scrape" : "every " + text_of(every->interval);
  return text + ", timeout " + text_of(collector.timeout);
}

std::string written(Clock::duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", std::chrono::duration<double>(duration).count());
  return text;
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string written(const Table& table) {
  const auto rows = std::min(table.rows(), kShownRows);
  std::vector<std::vector<std::string>> lines{table.columns()};
  for (std::size_t row = 0; row < rows; ++row) {
    auto& line = lines.emplace_back();
    for (std::size_t i = 0; i < table.columns().size(); ++i) line.push_back(cell(table, row, i));
  }
  std::string text;
  for (const auto& line : lines) {
    std::string padded;
    for (std::size_t i = 0; i < line.size(); ++i) {
      std::size_t width = 0;
      for (const auto& other : lines) width = std::max(width, other[i].size());
      padded += "  " + line[i];
      padded.append(width - line[i].size(), ' ');
    }
    text += padded.substr(0, padded.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace exporter::sql
