#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "exporters/host/container/network.h"

namespace exporter::host::container {

/// What is known about the processes in a container.
struct Processes {
  double count = 0;
  std::string pid{};  ///< of one of them; empty if none can be examined
  std::optional<Network::Namespace> network{};
  std::optional<double> started{};  ///< when the first one found started, in seconds since 1970
};

/// Counts the lines of a cgroup.procs file as processes, and takes the first. Processes in another
/// PID namespace have the number 0.
void count_processes(Processes& processes, std::string_view procs);

/// When a process started, in seconds since 1970; nothing if it has ended. Throws Error{decode}.
std::optional<double> start_of(Files& proc, std::string_view pid);

}  // namespace exporter::host::container
