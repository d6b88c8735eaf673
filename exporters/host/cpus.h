#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporters/host/files.h"

namespace exporter::host {

/// Where the kernel describes the CPUs.
inline constexpr std::string_view kCpuDirectory = "devices/system/cpu";

/// The number of each CPU that has a directory, online or not, as text in the order of the texts.
std::vector<std::string> list_cpus(const Files& sys);

/// The CPUs in a file of the CPU directory such as "isolated", which has a kernel list ("0-3,8");
/// empty if the file is absent. Throws Error{decode} for anything else and for numbers above 65535.
std::vector<unsigned> read_cpu_list(Files& sys, std::string_view name);

/// The data in the CPU directory that changes only when a CPU is added or removed: cached until
/// then, so that a scrape with hundreds of CPUs reads few files.
class CpuTopology {
 public:
  /// The file that counts how often a core or, if `core` is empty, a package was throttled.
  struct Throttle {
    std::string package, core, path;
  };
  struct State {
    std::string cpu;
    bool online;
  };

  /// Reads it again if a CPU was added or removed since the last call.
  void update(Files& sys);

  /// One for each core, then one for each package.
  const std::vector<Throttle>& throttles() const { return throttles_; }
  /// Empty if the first CPU cannot be switched off, as in node_exporter.
  const std::vector<State>& states() const { return states_; }

 private:
  void add_throttle(const Files& sys, Throttle throttle);
  void read_throttles(Files& sys);
  void read_states(Files& sys);

  std::string known_cpus_;
  std::vector<std::string> cpus_;
  std::vector<Throttle> throttles_;
  std::vector<State> states_;
};

}  // namespace exporter::host
