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

/// The states of a container, as the Docker Engine API names them.
constexpr std::array<std::string_view, 7> kStates = {"created",  "running", "paused", "restarting",
                                                     "removing", "exited",  "dead"};
/// What a health check says.
constexpr std::array<std::string_view, 3> kHealths = {"starting", "healthy", "unhealthy"};

/// A container as its engine describes it. Texts are cut to what a label may reasonably hold.
struct Container {
  std::string id, name, image;
  std::vector<std::string> labels;  ///< the values of the labels asked for, empty when absent
  std::string state;                ///< one of kStates; empty when the engine says something else
  std::string health;               ///< one of kHealths; empty when nothing is checked
  double restarts = 0;
  std::int64_t exit_code = 0;
  bool oom_killed = false;
  bool joins_network = false;  ///< of another container
  std::int64_t pid = 0;        ///< of its first process; 0 when it does not run
  std::optional<double> created, started, finished;  ///< seconds since 1970
  std::string cgroup_parent;
  std::string upper_folder;  ///< of its overlay, on the host; empty when the engine has another

  bool runs() const { return state == "running" || state == "paused"; }
  /// An engine that could not start it (no such command, no such mount) has its code all the same.
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
  std::string id;            ///< empty when it is of no container
  std::string action;        ///< "health_status" without what follows it
  std::int64_t time_ns = 0;  ///< since 1970
  std::string signal{};      ///< of a "kill"
};

/// The replies of the Docker Engine API, which Podman speaks too. All throw Error{decode}; an id
/// that is not made of 64 hexadecimal digits is one.
Container parse_container(const Json& inspected, std::span<const std::string> labels);
std::vector<Listed> parse_list(const Json& list);
Event parse_event(const Json& event);

}  // namespace exporter::host::container
