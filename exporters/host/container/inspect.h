#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/json.h"

namespace exporter::host::container {

/// The states of a container, with the names of the Docker Engine API.
constexpr std::array<std::string_view, 7> kStates = {"created",  "running", "paused", "restarting",
                                                     "removing", "exited",  "dead"};
/// The results of a health check.
constexpr std::array<std::string_view, 3> kHealths = {"starting", "healthy", "unhealthy"};

/// An engine's description of a container. Texts are truncated to a reasonable size for labels.
struct Container {
  std::string id, name, image;
  std::vector<std::string> labels;  ///< the values of the requested labels, empty if absent
  std::string state;                ///< one of kStates; empty for any other
  std::string health;               ///< one of kHealths; empty if there is no health check
  double restarts = 0;
  std::int64_t exit_code = 0;
  bool oom_killed = false;
  bool joins_network = false;  ///< of another container
  std::int64_t pid = 0;        ///< of its first process; 0 if it is not running
  std::optional<double> created, started, finished;  ///< seconds since 1970
  std::string cgroup_parent;
  std::string upper_directory;  ///< of its overlay, on the host; empty with another driver

  bool runs() const { return state == "running" || state == "paused"; }
  /// An exit code is also set if it could not be started (no such command, no such mount).
  bool could_not_start() const { return state == "created" && exit_code != 0; }
  bool has_ended() const {
    return state == "exited" || state == "dead" || state == "restarting" || state == "removing";
  }
};

/// One line of GET /containers/json.
struct Listed {
  std::string id, state;
};

/// One line of GET /events.
struct Event {
  std::string id;            ///< empty if it is not about a container
  std::string action;        ///< "health_status" without its suffix
  std::int64_t time_ns = 0;  ///< since 1970
  std::string signal{};      ///< of a "kill"
};

/// Parsers for the replies of the Docker Engine API, which Podman supports too. All throw
/// Error{decode}, also for an id that is not 64 hexadecimal digits. A container that cannot be read
/// is left out of the list, unless none can.
Container parse_container(const Json& inspected, std::span<const std::string> labels);
std::vector<Listed> parse_list(const Json& list);
Event parse_event(const Json& event);

}  // namespace exporter::host::container
