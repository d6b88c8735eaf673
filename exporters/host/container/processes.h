#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "exporters/host/container/network.h"

namespace exporter::host::container {

/// What is known of the processes in a container.
struct Processes {
  double count = 0;
  std::string pid{};  ///< of one of them; empty when there is none that can be looked at
  std::optional<Network::Namespace> network{};
  std::optional<double> started{};  ///< when the first one found began, in seconds since 1970
};

/// Counts a process of the text of a cgroup.procs file for each line, and takes the first. Those of
/// another PID namespace are numbered 0.
void count_processes(Processes& processes, std::string_view procs);

/// When a process began, in seconds since 1970; nothing when it has ended. Throws Error{decode}.
std::optional<double> start_of(Files& proc, std::string_view pid);

}  // namespace exporter::host::container
