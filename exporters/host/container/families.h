#pragma once

#include "exporters/host/container/network.h"
#include "exporters/host/container/usage.h"
#include "exporters/host/mount_stats.h"

/// The metrics of containers. Names, labels and formulas are cAdvisor's, if it has them.
namespace exporter::host::container {

template <class... More>
consteval auto total(std::string_view name, std::string_view help, More... more) {
  return counter(name, help, "id", "name", "image", more...);
}
template <class... More>
consteval auto level(std::string_view name, std::string_view help, More... more) {
  return gauge(name, help, "id", "name", "image", more...);
}

inline constexpr auto kCpu =
    total("container_cpu_usage_seconds_total", "CPU time consumed, in seconds.", "cpu");
inline constexpr auto kMemoryFailures = total(
    "container_memory_failures_total",
    "Page faults, of the group alone and including all groups within.", "failure_type", "scope");

struct UsageRow {
  Metric<3> metric;
  Value Usage::*value;
};
inline constexpr UsageRow kUsages[] = {
    {total("container_cpu_user_seconds_total", "CPU time in user mode, in seconds."),
     &Usage::cpu_user},
    {total("container_cpu_system_seconds_total", "CPU time in the kernel, in seconds."),
     &Usage::cpu_system},
    {total("container_cpu_cfs_periods_total", "Elapsed periods of the CPU quota."),
     &Usage::cfs_periods},
    {total("container_cpu_cfs_throttled_periods_total",
           "Periods in which the CPU quota was used up."),
     &Usage::cfs_throttled_periods},
    {total("container_cpu_cfs_throttled_seconds_total",
           "Time for which tasks were throttled by the CPU quota, in seconds."),
     &Usage::cfs_throttled},
    {level("container_memory_usage_bytes", "Memory usage, page cache included."), &Usage::memory},
    {level("container_memory_max_usage_bytes", "Maximum memory usage."), &Usage::memory_peak},
    {level("container_memory_failcnt", "How often the memory limit was hit."),
     &Usage::memory_fails},
    {level("container_memory_working_set_bytes",
           "Memory usage without the inactive part of the page cache."),
     &Usage::working_set},
    {level("container_memory_rss", "Anonymous memory and swap cache in bytes."), &Usage::rss},
    {level("container_memory_cache", "Page cache in bytes."), &Usage::cache},
    {level("container_memory_swap", "Swap in use in bytes."), &Usage::swap},
    {level("container_memory_mapped_file", "Mapped files in bytes."), &Usage::mapped},
    {level("container_threads", "Tasks (processes and threads) in the group."), &Usage::tasks},
    {total("container_pressure_cpu_waiting_seconds_total",
           "Time for which some task waited for a CPU, in seconds."),
     &Usage::cpu_waiting},
    {total("container_pressure_cpu_stalled_seconds_total",
           "Time for which all tasks waited for a CPU, in seconds."),
     &Usage::cpu_stalled},
    {total("container_pressure_io_waiting_seconds_total",
           "Time for which some task waited for I/O, in seconds."),
     &Usage::io_waiting},
    {total("container_pressure_io_stalled_seconds_total",
           "Time for which all tasks waited for I/O, in seconds."),
     &Usage::io_stalled},
    {total("container_pressure_memory_waiting_seconds_total",
           "Time for which some task waited for memory, in seconds."),
     &Usage::memory_waiting},
    {total("container_pressure_memory_stalled_seconds_total",
           "Time for which all tasks waited for memory, in seconds."),
     &Usage::memory_stalled},
};

struct FailureRow {
  std::string_view failure, scope;
  Value Usage::*value;
};
inline constexpr FailureRow kFailures[] = {{"pgfault", "container", &Usage::page_faults},
                                           {"pgfault", "hierarchy", &Usage::tree_page_faults},
                                           {"pgmajfault", "container", &Usage::major_faults},
                                           {"pgmajfault", "hierarchy", &Usage::tree_major_faults}};

struct LimitRow {
  Metric<3> metric;
  Value Limits::*value;
};
inline constexpr LimitRow kLimits[] = {
    {level("container_spec_cpu_period", "Period of the CPU quota in microseconds."),
     &Limits::cpu_period},
    {level("container_spec_cpu_quota",
           "CPU time allowed in each period, in microseconds; absent without a limit."),
     &Limits::cpu_quota},
    {level("container_spec_cpu_shares", "CPU share under contention."), &Limits::cpu_shares},
    {level("container_spec_memory_limit_bytes", "Memory limit; 0 without a limit."),
     &Limits::memory},
    {level("container_spec_memory_reservation_limit_bytes",
           "Memory that is protected from reclaim; 0 without a limit."),
     &Limits::memory_reservation},
    {level("container_spec_memory_swap_limit_bytes",
           "Limit of memory and swap (cgroup v1) or of swap (v2); 0 without a limit."),
     &Limits::memory_swap},
    {level("container_threads_max", "Limit of tasks; 0 without a limit."), &Limits::tasks},
};

struct DeviceRow {
  Metric<4> metric;
  double Usage::Device::*value;
};
inline constexpr DeviceRow kDevices[] = {
    {total("container_fs_reads_bytes_total", "Bytes read from a device.", "device"),
     &Usage::Device::read_bytes},
    {total("container_fs_reads_total", "Reads from a device.", "device"), &Usage::Device::reads},
    {total("container_fs_writes_bytes_total", "Bytes written to a device.", "device"),
     &Usage::Device::written_bytes},
    {total("container_fs_writes_total", "Writes to a device.", "device"), &Usage::Device::writes},
};

struct FileSystemRow {
  Metric<4> metric;
  double MountStat::*value;
};
inline constexpr FileSystemRow kFileSystems[] = {
    {level("container_fs_limit_bytes",
           "Size of the host's file system that holds the container's writable layer.", "device"),
     &MountStat::size_bytes},
    // A gauge in cAdvisor, with a name that gauge() rejects.
    {{MetricType::gauge,
      "container_fs_inodes_total",
      "Inodes of that file system.",
      {"id", "name", "image", "device"}},
     &MountStat::files},
    {level("container_fs_inodes_free", "Inodes of that file system that are free.", "device"),
     &MountStat::files_free},
};
inline constexpr auto kFsUsage =
    level("container_fs_usage_bytes",
          "Size of the container's writable layer as its engine reports it.", "device");
inline constexpr auto kLoadAverage = level(
    "container_cpu_load_average_10s", "Running tasks, smoothed over ten seconds, in thousandths.");

struct InterfaceRow {
  Metric<4> metric;
  double Interface::*value;
};
inline constexpr InterfaceRow kInterfaces[] = {
    {total("container_network_receive_bytes_total", "Bytes received.", "interface"),
     &Interface::received_bytes},
    {total("container_network_receive_packets_total", "Packets received.", "interface"),
     &Interface::received_packets},
    {total("container_network_receive_errors_total", "Errors while receiving.", "interface"),
     &Interface::received_errors},
    {total("container_network_receive_packets_dropped_total", "Packets dropped while receiving.",
           "interface"),
     &Interface::received_dropped},
    {total("container_network_transmit_bytes_total", "Bytes sent.", "interface"),
     &Interface::sent_bytes},
    {total("container_network_transmit_packets_total", "Packets sent.", "interface"),
     &Interface::sent_packets},
    {total("container_network_transmit_errors_total", "Errors while sending.", "interface"),
     &Interface::sent_errors},
    {total("container_network_transmit_packets_dropped_total", "Packets dropped while sending.",
           "interface"),
     &Interface::sent_dropped},
};

inline constexpr auto kProcesses = level("container_processes", "Processes in the container.");
inline constexpr auto kOoms =
    total("container_oom_events_total", "Processes that the kernel OOM-killed, each counted once.");
inline constexpr auto kStartTime = level(
    "container_start_time_seconds", "When the running container started, in seconds since 1970.");
inline constexpr auto kCreationTime = level(
    "container_creation_time_seconds", "When the container was created, in seconds since 1970.");
inline constexpr auto kLastSeen = level("container_last_seen",
                                        "When the group was last seen, in seconds since 1970; for "
                                        "a container that has ended, when it ended.");

inline constexpr auto kInfo =
    info("container_info", "The selected labels of the container.", "id", "name", "image");
inline constexpr auto kState =
    level("container_state", "Whether the container is in this state.", "state");
inline constexpr auto kRestarts =
    total("container_restarts_total", "How often the engine restarted the container on its own.");
inline constexpr auto kExitCode =
    level("container_exit_code",
          "Exit code of the last run, while the container does not run; for one that never "
          "started, the code of the failed start.");
inline constexpr auto kStopRequested =
    level("container_stop_requested",
          "Whether the last run was ended through the engine (a stop, or a kill with SIGKILL), "
          "while the container does not run; absent if the engine no longer reports it.");
inline constexpr auto kHealthStatus = level(
    "container_health_status", "Whether the health check succeeds; absent without one.", "status");
inline constexpr auto kHealthState =
    level("container_health_state", "1 healthy, 0 starting or unhealthy, -1 without a check.");
inline constexpr auto kStartedTime =
    level("container_started_time_seconds", "When the last run started, in seconds since 1970.");
inline constexpr auto kFinishedTime = level(
    "container_finished_time_seconds", "When the last finished run ended, in seconds since 1970.");

inline constexpr auto kEngineUp =
    gauge("container_engine_up",
          "Whether the engine behind this socket responds and its events are followed.", "engine");
inline constexpr auto kScrapeError =
    gauge("container_scrape_error",
          "Whether part of a container could not be read; it is left out and logged.");
inline constexpr auto kMachineCores = gauge("machine_cpu_cores", "Logical CPUs that are online.");
inline constexpr auto kMachineMemory = gauge("machine_memory_bytes", "Memory of the machine.");

inline constexpr MetricView kOthers[] = {
    kCpu,          kMemoryFailures, kProcesses,   kOoms,         kStartTime, kCreationTime,
    kLastSeen,     kInfo,           kState,       kRestarts,     kExitCode,  kStopRequested,
    kHealthStatus, kHealthState,    kStartedTime, kFinishedTime, kEngineUp,  kScrapeError,
    kMachineCores, kMachineMemory,  kFsUsage,     kLoadAverage};

/// All families of the collector.
inline constexpr auto kFamilies = [] {
  constexpr auto kSize = std::size(kOthers) + std::size(kUsages) + std::size(kLimits) +
                         std::size(kDevices) + std::size(kFileSystems) + std::size(kInterfaces);
  std::array<MetricView, kSize> views{};
  std::size_t at = 0;
  for (const auto& metric : kOthers) views[at++] = metric;
  for (const auto& row : kUsages) views[at++] = row.metric;
  for (const auto& row : kLimits) views[at++] = row.metric;
  for (const auto& row : kDevices) views[at++] = row.metric;
  for (const auto& row : kFileSystems) views[at++] = row.metric;
  for (const auto& row : kInterfaces) views[at++] = row.metric;
  return views;
}();

}  // namespace exporter::host::container
