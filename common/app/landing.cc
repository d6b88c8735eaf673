#include "common/app/landing.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "common/base/time.h"
#include "version.h"

namespace exporter {
namespace {

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:80em;margin:2em auto;padding:0 1em;"
    "color:#1d232a}h1{font-size:1.5em;margin:0}p{color:#57606a;margin:.3em 0 1.2em}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"
    "padding:.3em .8em;white-space:nowrap;"
    "border-bottom:1px solid "
    "#d8dee4}td:last-child{white-space:normal;overflow-wrap:anywhere}th{font-weight:600}.n{text-"
    "align:right;"
    "font-variant-numeric:tabular-nums}.ok{color:#1a7f37}.bad{color:#cf222e;font-weight:600}"
    "a{color:#0969da}nav a{margin-right:1.2em}nav{margin-bottom:1em}"
    "h2{font-size:1.1em;margin:1.6em 0 .4em}summary{cursor:pointer;padding:.2em .8em}"
    "details table{width:auto;font-size:.9em;margin:.3em 1.6em 1em}"
    "details th,details td{padding:.1em .8em}";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string cell(std::string_view text, std::string_view attributes = {}) {
  std::string out = "<td";
  if (!attributes.empty()) out.append(" ").append(attributes);
  return out.append(">").append(escaped(text)).append("</td>");
}

std::string number_cell(std::string_view text) { return cell(text, "class=n"); }

std::string took(double seconds) {
  std::array<char, 32> text;
  if (seconds < 1) {
    std::snprintf(text.data(), text.size(), "%.1f ms", seconds * 1e3);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  }
  return text.data();
}

std::string ago(double unix_seconds) {
  if (unix_seconds <= 0) return "never";
  const auto age = std::chrono::seconds(std::llround(std::max(0.0, unix_now() - unix_seconds)));
  return format_duration(age) + " ago";
}

std::string schedule(const Collector& collector) {
  const auto* every = std::get_if<Every>(&collector.schedule);
  if (every == nullptr) return "on scrape";
  const auto text = [](Clock::duration duration) {
    return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(duration));
  };
  if (every->asks.count() == 0) return "every " + text(every->interval);
  return "asks every " + text(std::max(every->asks, every->interval)) + " at most";
}

std::string outcome_cell(bool success, Reason reason) {
  return success ? cell("ok", "class=ok")
                 : cell("failed: " + std::string(to_string(reason)), "class=bad");
}

std::string runs_table(const std::vector<RunRecord>& runs) {
  std::string out =
      "<table><thead><tr><th>Started</th><th></th><th class=n>Took</th><th class=n>Requests</th>"
      "<th class=n>Samples</th><th>Error</th></tr></thead><tbody>\n";
  for (const auto& run : runs) {
    const auto start = std::chrono::sys_time<std::chrono::milliseconds>(
        std::chrono::milliseconds(std::llround(run.start_unix * 1e3)));
    out += "<tr>" + cell(format_rfc3339(start)) + outcome_cell(run.success, run.reason) +
           number_cell(took(run.duration_seconds)) + number_cell(std::to_string(run.requests)) +
           number_cell(std::to_string(run.samples)) + cell(run.error) + "</tr>\n";
  }
  return out + "</tbody></table>";
}

std::string runs_of(const Exposition::Overview& overview) {
  const auto& collector = *overview.collector;
  const auto failures = std::count_if(overview.runs.begin(), overview.runs.end(),
                                      [](const RunRecord& run) { return !run.success; });
  std::string name = collector.name;
  if (!collector.source.empty()) name = collector.source + ": " + name;
  std::string out = "<details><summary>" + escaped(name);
  if (failures > 0) {
    out += " <span class=bad>" + std::to_string(failures) + " of " +
           std::to_string(overview.runs.size()) + " failed</span>";
  }
  return out + "</summary>" + runs_table(overview.runs) + "</details>\n";
}

std::string row(const Exposition::Overview& overview, bool has_sources) {
  const auto& collector = *overview.collector;
  const auto& status = *overview.status;
  std::string out = "<tr>";
  if (has_sources) out += cell(collector.source);
  out += cell(collector.name) + cell(schedule(collector));
  if (status.outcome == Status::Outcome::never_ran) {
    return out + cell("not yet run") + "<td></td><td></td><td></td><td></td></tr>\n";
  }
  const bool is_good = status.outcome == Status::Outcome::success;
  out += outcome_cell(is_good, status.reason) + cell(ago(status.last_success_unix)) +
         number_cell(took(status.duration_seconds)) + number_cell(std::to_string(status.samples)) +
         cell(is_good ? status.note : status.error) + "</tr>\n";
  return out;
}

}  // namespace

std::string landing_page(const LandingOptions& options,
                         const std::vector<Exposition::Overview>& collectors) {
  const auto name = escaped(options.name);
  const bool has_sources = !options.source_label.empty();
  std::string page = "<!doctype html>\n<html lang=en><head><meta charset=utf-8><title>" + name +
                     "</title><style>" + std::string(kStyle) + "</style></head><body>\n<h1>" +
                     name + "</h1>\n<p>" + escaped(options.description) + " Version " + kVersion +
                     ", revision " + kRevision + ".</p>\n<nav><a href=\"" +
                     escaped(options.telemetry_path) +
                     "\">Metrics</a><a href=\"/-/healthy\">Healthy</a>"
                     "<a href=\"/-/ready\">Ready</a></nav>\n<table><thead><tr>";
  if (has_sources) {
    page += "<th>" + escaped(options.source_label) + "</th>";
  }
  page +=
      "<th>Collector</th><th>Runs</th><th>Last run</th><th>Last success</th><th class=n>Took</th>"
      "<th class=n>Samples</th><th>Error or note</th></tr></thead><tbody>\n";
  for (const auto& overview : collectors) page += row(overview, has_sources);
  page += "</tbody></table>\n<h2>Last runs</h2>\n";
  for (const auto& overview : collectors) {
    if (!overview.runs.empty()) page += runs_of(overview);
  }
  return page + "</body></html>\n";
}

}  // namespace exporter
