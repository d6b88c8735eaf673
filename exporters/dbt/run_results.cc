#include "exporters/dbt/run_results.h"

#include <algorithm>
#include <set>

#include "exporters/dbt/command_line.h"

namespace exporter::dbt {
namespace {

constexpr std::string_view kArgs[] = {"which", "command", "invocation_command", "full_refresh"};
constexpr std::string_view kResult[] = {"unique_id",
                                        "status",
                                        "timing",
                                        "execution_time",
                                        "failures",
                                        "message",
                                        "adapter_response.rows_affected",
                                        "adapter_response.bytes_processed"};
enum Record : std::size_t { kMetadata, kElapsed, kArguments, kSuccess, kResults };
constexpr JsonRecord kRecords[] = {{"metadata", kMetadataKeys},
                                   {"elapsed_time"},
                                   {"args", kArgs},
                                   {"success"},
                                   {"results.*", kResult}};

double seconds(Time::duration duration) { return std::chrono::duration<double>(duration).count(); }

struct Step {
  std::optional<Time> started_at, completed_at;
};

Step find_step(const Json& result, std::string_view name) {
  Step found;
  const auto timing = result.find("timing");
  if (!timing) return found;
  for (const auto& step : timing->items()) {
    if (text_at(step, "name") != name) continue;
    if (const auto time = step.find("started_at")) found.started_at = time->time();
    if (const auto time = step.find("completed_at")) found.completed_at = time->time();
  }
  return found;
}

void read_timing(const Json& json, Result& result) {
  const auto compile = find_step(json, "compile");
  const auto execute = find_step(json, "execute");
  result.started_at = compile.started_at ? compile.started_at : execute.started_at;
  result.completed_at = execute.completed_at ? execute.completed_at : compile.completed_at;
  // dbt 2.0 writes the times of the whole node for both steps.
  const bool told_apart = compile.started_at != execute.started_at;
  if (compile.started_at && compile.completed_at && told_apart) {
    result.compile_seconds = seconds(*compile.completed_at - *compile.started_at);
  }
}

/// Some versions of dbt 2.0 report reused nodes as "skipped", or as "success" if they cloned a
/// table.
bool says_reused(std::string_view status, const std::optional<Json>& message) {
  if (!message || !message->is_string()) return false;
  const auto text = message->string();
  return (status == "skipped" && text == "Skipped due to model reuse") ||
         (status == "success" && text.starts_with("Cloned from cached relation"));
}

Result read_result(const Json& json) {
  Result result;
  result.node = read_name(json.at("unique_id"));
  result.status = read_name(json.at("status"));
  if (says_reused(result.status, json.find("message"))) result.status = "reused";
  read_timing(json, result);
  if (result.status != "skipped" && result.status != "reused")
    result.execution_seconds = count_at(json, "execution_time");
  if (const auto response = json.find("adapter_response")) {
    result.rows_affected = count_at(*response, "rows_affected");
    result.bytes_processed = count_at(*response, "bytes_processed");
  }
  result.failures = count_at(json, "failures");
  // In v1 the message of a test is its number of failures.
  if (const auto message = json.find("message"); message && message->is_number()) {
    result.failures = count_at(json, "message");
  }
  return result;
}

void read_arguments(const Json& args, RunResults& found) {
  for (const auto* key : {"which", "command"}) {
    if (const auto name = args.find(key); name && found.command.empty()) {
      found.command = read_name(*name);
    }
  }
  if (found.command == "generate" || found.command == "docs") found.command = "docs generate";
  const auto given = command_of(text_at(args, "invocation_command"));
  // For a retry, the other arguments are those of the command that it repeats.
  found.is_retry = given == "retry" || found.command == "retry";
  if (found.command.empty()) found.command = given;
  // dbt 1.12 includes the flag only if it was given.
  constexpr std::string_view kRefreshing[] = {"build", "run", "seed"};
  if (std::ranges::find(kRefreshing, found.command) != std::end(kRefreshing)) {
    found.is_full_refresh = false;
  }
  if (const auto refresh = args.find("full_refresh")) found.is_full_refresh = refresh->boolean();
}

}  // namespace

bool RunResults::are_real() const {
  if (!command.empty()) return runs_nodes(command);
  // A node that was only compiled has the status "success", tests included, and no rows.
  return std::ranges::any_of(results, [](const Result& result) {
    return result.status != "success" || result.rows_affected || result.failures;
  });
}

RunResults read_run_results(const Artifact& artifact, const EnvLabels& env_labels) {
  RunResults found;
  std::set<std::string> nodes;
  const auto add = [&](Result result) {
    if (nodes.insert(result.node).second) found.results.push_back(std::move(result));
  };
  const auto take = [&](std::size_t record, const std::string& /*name*/, const Json& value) {
    switch (record) {
      case kMetadata: found.metadata = read_metadata(value, Kind::run_results, env_labels); break;
      case kElapsed: found.elapsed_seconds = value.number(); break;
      case kArguments: read_arguments(value, found); break;
      // Written by run-operation up to dbt 1.5.
      case kSuccess: found.has_failed = !value.boolean(); break;
      default: add(read_result(value));
    }
  };
  found.unread = read_records(artifact, kRecords, take, env_labels);
  return found;
}

}  // namespace exporter::dbt
