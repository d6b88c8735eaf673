#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
#include "exporters/host/container/group_files.h"
#include "exporters/host/files.h"

namespace exporter::host::container {

/// The controller of a control group's file; `pressure` is only in cgroup v2.
enum class Controller : std::uint8_t { cpu, cpuacct, memory, blkio, pids, pressure };
constexpr std::size_t kControllers = 6;

/// Where the tree of each controller is mounted, and its version.
class Hierarchies {
 public:
  struct Tree {
    std::string root;  ///< the path in this process; empty: not mounted
    bool unified = false;
  };

  Tree& operator[](Controller controller) { return trees_[static_cast<std::size_t>(controller)]; }
  const Tree& operator[](Controller controller) const {
    return trees_[static_cast<std::size_t>(controller)];
  }

 private:
  std::array<Tree, kControllers> trees_;
};

using Value = std::optional<double>;  ///< nothing if the kernel does not report it

/// Values that change only when a group runs or its memory is reclaimed, and therefore together
/// with its CPU time or its memory usage. A task that waits for a CPU eventually runs.
struct Work {
  Value cpu_user, cpu_system;
  Value memory_peak, memory_fails, working_set, rss, cache, swap, mapped;
  Value page_faults, major_faults, tree_page_faults, tree_major_faults;
  Value oom_kills;
  Value tasks;
  Value cpu_waiting, cpu_stalled;

  struct Device {
    std::string number;  ///< "8:0"
    double read_bytes = 0, written_bytes = 0, reads = 0, writes = 0;
  };
  std::vector<Device> devices;
};

/// How long some and all of its tasks waited; a wait starts while the group runs.
struct Waits {
  Value io_waiting, io_stalled, memory_waiting, memory_stalled;

  bool operator==(const Waits&) const = default;
};

/// What a group has used so far, in seconds, bytes and counts.
struct Usage : Work, Waits {
  Value cpu, memory;
  Value cfs_periods, cfs_throttled_periods, cfs_throttled;
};

/// The limits of a group. Limits that are not set are as in cAdvisor: 0 bytes, no quota.
struct Limits {
  Value cpu_period, cpu_quota, cpu_shares;  ///< microseconds, microseconds, and shares of 1024
  Value memory, memory_reservation, memory_swap;
  Value tasks;
};

/// The state of a group between runs.
struct Known {
  Limits limits{};
  Value memory_peak{}, memory_fails{};
  Usage usage{};                   ///< as of the last reading
  Clock::time_point work_read{};   ///< when Work was read last
  Clock::time_point moved{};       ///< when CPU time, memory or Waits last changed
  Clock::time_point waits_read{};  ///< when Waits were read last
  GroupFiles files{};
};

/// The errors of a run. Each costs only the values that it concerns.
struct Problems {
  std::size_t count = 0;
  std::string first{};

  void note(std::string what) {
    if (count++ == 0) first = std::move(what);
  }
};

/// Reads a group's files. Values that are absent or cannot be parsed are empty; the latter are
/// noted, as "path:line: what is wrong".
class UsageReader {
 public:
  /// /proc/meminfo is for the root group of cgroup v2, which has no memory.current.
  UsageReader(const Hierarchies& hierarchies, Files proc, Problems& problems)
      : hierarchies_(hierarchies), proc_(std::move(proc)), problems_(problems) {}

  /// Reads slowly changing values: limits, and the memory peak (usage() also notices a new peak).
  /// Groups are given by their paths; the root's is empty.
  void know(std::string_view group, Known& known);
  /// Updates known.usage. While a group's CPU time and memory usage do not change, its Work is read
  /// again only after five minutes, because the kernel may have sorted its pages again; returns
  /// false meanwhile. Its I/O and memory pressures are not read either, once they have been
  /// unchanged for longer than the kernel takes to update them: a task must run before it waits.
  bool usage(std::string_view group, Known& known, Clock::time_point now = Clock::now());

 private:
  std::optional<std::string_view> read(Controller controller, std::string_view file);
  Value number(Controller controller, std::string_view file);
  /// Parses the file as Lines, if it exists.
  template <class Parse>
  void take(Controller controller, std::string_view file, const Parse& parse);
  void note(Controller controller, std::string_view what);

  Limits limits();
  void read_cpu(Usage& usage);
  void read_root_memory(Usage& usage);
  void read_work(Usage& usage);
  void read_memory_v1(Usage& usage);
  void read_memory_v2(Usage& usage);
  void read_devices_v1(Usage& usage);
  void read_devices_v2(Usage& usage);
  void read_waits(const Usage& last, bool moved, Clock::time_point now);
  void read_pressure(std::string_view file, Value& waiting, Value& stalled);

  const Hierarchies& hierarchies_;
  Files proc_;
  Problems& problems_;
  std::string buffer_;
  std::string_view group_;  ///< of the current call
  Known* known_ = nullptr;
};

}  // namespace exporter::host::container
