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

/// What changes when a group runs, or its memory is taken away: so it moves with the processor time
/// or with the memory in use. Who waits for a processor runs in the end.
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

/// How long some of its tasks, and all of them, waited: in a sleep that they ran into.
struct Waits {
  Value io_waiting, io_stalled, memory_waiting, memory_stalled;

  bool operator==(const Waits&) const = default;
};

/// What a group used so far, in seconds, bytes and numbers.
struct Usage : Work, Waits {
  Value cpu, memory;
  Value cfs_periods, cfs_throttled_periods, cfs_throttled;
};

/// What a group may use. Of limits that are not set, cAdvisor's forms: 0 bytes, no quota.
struct Limits {
  Value cpu_period, cpu_quota, cpu_shares;  ///< microseconds, microseconds, and shares of 1024
  Value memory, memory_reservation, memory_swap;
  Value tasks;
};

/// What is known of a group from run to run.
struct Known {
  Limits limits{};
  Value memory_peak{}, memory_fails{};
  Usage usage{};                   ///< as it was read last
  Clock::time_point work_read{};   ///< when Work was read last
  Clock::time_point moved{};       ///< when processor time, memory or Waits were last seen to move
  Clock::time_point waits_read{};  ///< when Waits were read last
  GroupFiles files{};
};

/// What could not be understood in a run. It costs the values that it stands for, and no more.
struct Problems {
  std::size_t count = 0;
  std::string first{};

  void note(std::string what) {
    if (count++ == 0) first = std::move(what);
  }
};

/// Reads a group's files. What is absent or cannot be understood is an absent value; the latter is
/// noted, as "path:line: what is wrong".
class UsageReader {
 public:
  /// /proc/meminfo tells of the root group of cgroup v2, which has no memory.current.
  UsageReader(const Hierarchies& hierarchies, Files proc, Problems& problems)
      : hierarchies_(hierarchies), proc_(std::move(proc)), problems_(problems) {}

  /// Reads what changes seldom: limits, and the peak of memory (a new one is noticed by usage() as
  /// well). Groups by their paths; that of the root is empty.
  void know(std::string_view group, Known& known);
  /// Brings known.usage up to date. While a group's processor time and memory in use stay what they
  /// were, its Work is read again only after five minutes, in which the kernel may have sorted its
  /// pages anew; false meanwhile. Nor are its pressures by I/O and memory, once they have stood
  /// still longer than the kernel takes to add them up: whoever begins to wait must run to do so.
  bool usage(std::string_view group, Known& known, Clock::time_point now = Clock::now());

 private:
  std::optional<std::string_view> read(Controller controller, std::string_view file);
  Value number(Controller controller, std::string_view file);
  /// Gives the file to `parse` as Lines, if it is there.
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
  std::string_view group_;  ///< of the call under way
  Known* known_ = nullptr;
};

}  // namespace exporter::host::container
