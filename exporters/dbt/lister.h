#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/http/client.h"
#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// How an invocation ended according to dbt's log: not logged at all, not yet, or the result.
enum class End : std::uint8_t { untold, awaited, success, failure, interrupted };

/// An invocation in dbt's log.
struct Logged {
  End end = End::untold;
  /// As returned by command_of(): from the line that reports its end, or else from the command
  /// line, which the log has without its quotes. Empty if unknown.
  std::string command = {};
};

/// A version of an artifact in some location.
struct Found {
  Kind kind;
  std::string location;    ///< its directory or address, as in the label
  std::string version;     ///< differs whenever the content differs
  std::uint64_t size = 0;  ///< bytes; 0 if unknown
  Time modified_at;        ///< by the clock of the location; 1970 if unknown
  Artifact artifact;
  /// For a manifest: whether the invocation that wrote it started to run nodes, unlike `ls` and
  /// `parse`, which write one too. Nothing if it has not, but still may.
  std::function<std::optional<bool>(const std::string& invocation_id)> set_to_work = {};
  /// For results: the log of the invocation that wrote them. dbt logs its end right after writing
  /// them.
  std::function<Logged(const std::string& invocation_id)> logged = {};
  /// Whether a version that is found later was written later. False for runs of dbt Cloud, which
  /// may save artifacts late but has a single clock.
  bool comes_in_order = true;
  /// Called when this version was read, now or earlier, with whether its results include a failure:
  /// one that an alert of the node or the source reports.
  std::function<void(bool has_failures)> taken = {};
  /// Called each time this version could not be read.
  std::function<void(const Error& error)> failed = {};
};

/// A finished command in dbt's log. It may have left no artifact.
struct EndedCommand {
  std::string invocation_id, command;
  bool has_failed = false;
  Time at = {};
};

/// Lists the current artifacts in a place, without reading them, the oldest first.
struct Lister {
  std::string place;  ///< for errors: a path, an address
  std::function<std::vector<Found>(const Deadline&)> list;
  /// The last command that ended in each log, if there are logs.
  std::function<std::vector<EndedCommand>()> ended = [] { return std::vector<EndedCommand>(); };
  /// Why an empty list is empty: "the directory does not exist"; empty if that is not known.
  std::function<std::string()> why_empty = [] { return std::string(); };

  /// Throws Error.
  std::vector<Found> operator()(const Deadline& deadline) const { return list(deadline); }
  /// The error for an empty list.
  Error no_artifacts() const;
};

/// The target directories that match a path or a glob ("/srv/jobs/*/target"). A missing directory
/// counts as one without artifacts; why_empty() tells them apart.
Lister directories(const std::string& pattern);

/// The artifacts below an address, the client's base URL: sends a HEAD per update and a GET per new
/// version. If the server sends neither ETag nor Last-Modified, each response is a new version.
Lister address(std::shared_ptr<http::Client> client, const std::string& label);

}  // namespace exporter::dbt
