#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/host/files.h"

namespace exporter::host::container {

/// Who owns a file of a control group; `pressure` is only in cgroup v2.
enum class Controller : std::uint8_t { cpu, cpuacct, memory, blkio, pids, pressure };
constexpr std::size_t kControllers = 6;

/// Where each controller's tree is mounted, and in which version.
class Hierarchies {
 public:
  struct Tree {
    std::string root;  ///< as this process reaches it; empty: not mounted
    bool unified = false;
  };

  Tree& operator[](Controller controller) { return trees_[static_cast<std::size_t>(controller)]; }
  const Tree& operator[](Controller controller) const {
    return trees_[static_cast<std::size_t>(controller)];
  }

 private:
  std::array<Tree, kControllers> trees_;
};

using Value = std::optional<double>;  ///< nothing where the kernel does not say

/// What a group used so far, in seconds, bytes and numbers.
struct Usage {
  Value cpu, cpu_user, cpu_system;
  Value cfs_periods, cfs_throttled_periods, cfs_throttled;
  Value memory, memory_peak, memory_fails, working_set, rss, cache, swap, mapped;
  Value page_faults, major_faults, tree_page_faults, tree_major_faults;
  Value oom_kills;
  Value tasks;
  Value cpu_waiting, cpu_stalled, io_waiting, io_stalled, memory_waiting, memory_stalled;

  struct Device {
    std::string number;  ///< "8:0"
    double read_bytes = 0, written_bytes = 0, reads = 0, writes = 0;
  };
  std::vector<Device> devices;
};

/// What a group may use. Of limits that are not set, cAdvisor's forms: 0 bytes, no quota.
struct Limits {
  Value cpu_period, cpu_quota, cpu_shares;  ///< microseconds, microseconds, and shares of 1024
  Value memory, memory_reservation, memory_swap;
  Value tasks;
};

/// What is read of a group now and then only: what changes seldom, the peak of memory (a new one
/// is noticed by the usage as well), and which files it does not have.
struct Known {
  Limits limits;
  Value memory_peak, memory_fails;
  std::vector<std::string_view> absent;
};

/// Reads a group's files. Absent files are absent values; what cannot be understood throws
/// Error{decode} with path and line.
class UsageReader {
 public:
  /// `files` reads absolute paths; /proc/meminfo tells of the root group of cgroup v2, which has
  /// no memory.current.
  UsageReader(const Hierarchies& hierarchies, Files& files, Files& proc)
      : hierarchies_(hierarchies), files_(files), proc_(proc) {}

  /// Groups by their paths; that of the root is empty.
  Known know(std::string_view group);
  Usage usage(std::string_view group, Known& known);

 private:
  using Tree = Hierarchies::Tree;

  /// The text of a file, and where it is for messages.
  struct Text {
    std::string path;
    std::optional<std::string_view> text;
  };
  Text read(Controller controller, std::string_view file);
  Value number(Controller controller, std::string_view file);

  Limits limits();
  void read_cpu(Usage& usage);
  void read_memory_v1(Usage& usage);
  void read_memory_v2(Usage& usage);
  void read_root_memory(Usage& usage);
  void read_devices(Usage& usage);
  void read_pressure(Usage& usage);

  const Hierarchies& hierarchies_;
  Files& files_;
  Files& proc_;
  std::string_view group_;  ///< of the call under way
  Known* known_ = nullptr;
};

}  // namespace exporter::host::container
