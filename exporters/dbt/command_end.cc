#include "exporters/dbt/command_end.h"

#include <algorithm>

#include "common/ledger/ledger.h"
#include "exporters/dbt/project.h"

namespace exporter::dbt {
namespace {

/// How long to wait for dbt's log after results were written, and how often to check it.
constexpr auto kLogging = std::chrono::seconds(2);
constexpr auto kLogPause = std::chrono::milliseconds(100);

Logged logged_of(const Found& found, const std::string& invocation_id, const Deadline& deadline) {
  if (!found.logged) return {};
  auto logged = found.logged(invocation_id);
  const auto until = std::min(found.modified_at, Ledger::wall_clock()) + kLogging;
  while (logged.end == End::awaited && Ledger::wall_clock() < until) {
    pause(kLogPause, deadline.stop());
    deadline.check();
    logged = found.logged(invocation_id);
  }
  return logged;
}

/// A row that cannot be read may be a failed one: without dbt's log the command does not count as
/// successful.
bool has_failed(End end, const Unread& unread) {
  return end == End::failure || end == End::interrupted || (end != End::success && unread.rows > 0);
}

template <class Results>
bool any_failed(const Results& results) {
  return std::ranges::any_of(results.results, [](const auto& result) {
    return outcome_of(result.status) == Outcome::failure;
  });
}

}  // namespace

void note_end(RunResults& results, const Found& found, const Deadline& deadline) {
  const auto [end, command] = logged_of(found, results.metadata.invocation_id, deadline);
  if (!command.empty()) results.is_retry = command == "retry";
  results.is_interrupted = end == End::interrupted;
  results.has_failed |= has_failed(end, results.unread);
}

void note_end(FreshnessResults& results, const Found& found, const Deadline& deadline) {
  const auto end = logged_of(found, results.metadata.invocation_id, deadline).end;
  results.has_failed = has_failed(end, results.unread);
}

bool has_failures(const RunResults& results) { return results.are_real() && any_failed(results); }

bool has_failures(const FreshnessResults& results) { return any_failed(results); }

}  // namespace exporter::dbt
