#include "common/app/backfill.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "common/app/process.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"

namespace exporter {
namespace {

using std::chrono::sys_seconds;

constexpr auto kPatience = std::chrono::hours(6);  // for a collector to read one month
constexpr auto kLongest = std::chrono::days(3660);

sys_seconds month_after(sys_seconds time) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  return std::chrono::sys_days(day.year() / day.month() / 1 + std::chrono::months(1));
}

std::string date_of(sys_seconds time) { return format_rfc3339(time).substr(0, 10); }

/// The file of the month, or part of one, that starts then: "snowflake_exporter-2026-01-01.om".
std::string file_of(const App& app, const Command& command, sys_seconds time) {
  const auto name = std::string(app.name) + '-' + date_of(time) + ".om";
  return std::filesystem::path(command.past_directory) / name;
}

bool has_label(const MetricView& metric, std::string_view name) {
  return std::ranges::find(metric.labels, name) != metric.labels.end() ||
         (name == "le" && metric.type == MetricType::histogram);
}

/// promtool rejects a duplicate label only after the whole past has been read, so check it first.
void check_label(const std::string& name, const App& app, const std::vector<SourcePast>& pasts) {
  for (const auto& module : app.modules) {
    const auto is_its = [&](const SourcePast& past) { return past.collector == module.name; };
    if (std::ranges::none_of(pasts, is_its)) continue;
    for (const auto& metric : module.metrics) {
      if (!has_label(metric, name)) continue;
      throw Error(Reason::config,
                  "--label " + name + ": " + std::string(metric.name) +
                      " has a label of that name, which a scrape renames to exported_" + name);
    }
  }
}

std::vector<Label> labels_of(const App& app, const Command& command,
                             const std::vector<SourcePast>& pasts) {
  if (command.past_labels.empty()) {
    log::warn(
        "the series will differ from those that Prometheus scrapes: add its labels with --label",
        {{"such_as", "job, instance"}});
  }
  std::vector<Label> labels;
  for (const auto& [name, value] : command.past_labels) {
    check_label(name, app, pasts);
    if (std::ranges::find(labels, name, &Label::name) != labels.end()) {
      throw Error(Reason::config, "--label " + name + ": given twice");
    }
    labels.push_back({name, value});
  }
  return labels;
}

void write_file(const std::string& path, TimedSamples& page) {
  const auto partial = path + ".partial";
  std::ofstream file(partial, std::ios::binary);
  page.write([&](std::string_view text) {
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
  });
  file.close();
  if (file && std::rename(partial.c_str(), path.c_str()) == 0) return;
  const auto error = io_error(path, errno);
  std::remove(partial.c_str());
  throw Error(error);
}

/// Reads up to then. An Error names the source and the collector.
void read_on(const std::vector<std::pair<const SourcePast*, ReadPast>>& pasts, sys_seconds until,
             TimedSamples& page) {
  for (const auto& [past, read] : pasts) {
    try {
      read(until, page, Deadline::in(kPatience));
    } catch (const Error& error) {
      throw Error(error.reason(),
                  past->source + ": " + std::string(past->collector) + ": " + error.what());
    }
  }
}

}  // namespace

int backfill(const App& app, const Command& command, const std::vector<SourcePast>& pasts) {
  const auto& range = command.past;
  if (pasts.empty()) {
    throw Error(Reason::config, "no enabled collector has a history that can be read");
  }
  if (!range.to && command.state_dir.empty()) {
    throw Error(Reason::config,
                "the end of the history is not known: give --state.dir of the exporter, which must "
                "not run meanwhile, or --to");
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto end = std::min(range.to.value_or(now), now);
  if (range.from >= end || range.from < end - kLongest) {
    throw Error(Reason::config, "--from must be before the end, and at most ten years");
  }
  TimedSamples page(labels_of(app, command, pasts));
  std::error_code failed;
  std::filesystem::create_directories(command.past_directory, failed);
  if (failed) throw io_error(command.past_directory, failed.value());

  std::vector<std::pair<const SourcePast*, ReadPast>> readers;
  for (const auto& past : pasts) readers.emplace_back(&past, past.make(range));
  for (auto at = range.from; at < end; at = month_after(at)) {
    const auto next = month_after(at);
    try {
      read_on(readers, next < end ? next : sys_seconds::max(), page);
      log::info("read", {{"up_to", format_rfc3339(std::min(next, end))},
                         {"lines", std::to_string(page.size())}});
      if (page.size() == 0) continue;
      const auto file = file_of(app, command, at);
      write_file(file, page);
      process::print(file + '\n');
    } catch (const Error& error) {
      if (at == range.from) throw;
      throw Error(error.reason(), std::string(error.what()) + "; go on with --from=" + date_of(at));
    }
  }
  return 0;
}

}  // namespace exporter
