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

/// How dbt's log says that an invocation ended: nothing at all, nothing yet, or what it was.
enum class End : std::uint8_t { untold, awaited, success, failure, interrupted };

/// What dbt's log says of an invocation.
struct Logged {
  End end = End::untold;
  /// As command_of() names it: by the line that tells its end, or else by the command line, which
  /// the log has without its quotes. Empty when it is not known.
  std::string command = {};
};

/// A version of an artifact that stands somewhere.
struct Found {
  Kind kind;
  std::string location;    ///< the folder or address that holds it, as the label says it
  std::string version;     ///< another text whenever the content is another
  std::uint64_t size = 0;  ///< bytes; 0 when it is not known
  Time modified_at;        ///< by the clock of the place; 1970 where it is not known
  Artifact artifact;
  /// Of a manifest: whether the invocation that wrote it set to work on nodes, as opposed to `ls`
  /// and `parse`, which write one too. Nothing while it has not, but still may.
  std::function<std::optional<bool>(const std::string& invocation_id)> set_to_work = {};
  /// Of results: what is logged of the invocation that left them. dbt logs its end right after it
  /// wrote them.
  std::function<Logged(const std::string& invocation_id)> logged = {};
  /// Whether a version that is found later was written later. Not so of runs of dbt Cloud, whose
  /// artifacts may be saved late; its clock is one.
  bool comes_in_order = true;
  /// Called when this version was taken in, now or at an earlier look, with whether something
  /// failed by its results: what an alert of the node or the source reports.
  std::function<void(bool has_failures)> taken = {};
  /// Called each time that this version could not be read.
  std::function<void(const Error& error)> failed = {};
};

/// A command that has ended, by dbt's log. It may have left no artifact.
struct EndedCommand {
  std::string invocation_id, command;
  bool has_failed = false;
  Time at = {};
};

/// Lists the artifacts that are in a place now, without reading them, the oldest first.
struct Lister {
  std::string place;  ///< for messages: a path, an address
  std::function<std::vector<Found>(const Deadline&)> list;
  /// The last command that ended of each log, where there are logs.
  std::function<std::vector<EndedCommand>()> ended = [] { return std::vector<EndedCommand>(); };

  /// Throws Error.
  std::vector<Found> operator()(const Deadline& deadline) const { return list(deadline); }
};

/// The target folders that a path or a glob names ("/srv/jobs/*/target"). A folder that is not
/// there is one without artifacts.
Lister folders(const std::string& pattern);

/// The artifacts below an address, which is the client's base URL: a HEAD each look, a GET each new
/// version. A server that tells neither ETag nor Last-Modified has a new version each time.
Lister address(std::shared_ptr<http::Client> client, const std::string& label);

}  // namespace exporter::dbt
