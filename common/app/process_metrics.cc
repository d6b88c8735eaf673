#include "common/app/process_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "common/base/text.h"

namespace exporter {
namespace {

constexpr auto kCpu =
    counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
constexpr auto kOpenFds = gauge("process_open_fds", "Number of open file descriptors.");
constexpr auto kMaxFds = gauge("process_max_fds", "Maximum number of open file descriptors.");
constexpr auto kVirtual = gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
constexpr auto kMaxVirtual = gauge("process_virtual_memory_max_bytes",
                                   "Maximum amount of virtual memory available in bytes.");
constexpr auto kResident = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
constexpr auto kThreads = gauge("process_threads", "Number of OS threads in the process.");
constexpr auto kStart =
    gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.");

/// The fields of /proc/self/stat behind the command's name, from the state on (proc(5)).
enum StatField { kThreadsField = 17, kStartField = 19, kVirtualField = 20, kResidentField = 21 };

/// Stay open, because opening takes twice as long as reading.
struct Files {
  int stat = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  int descriptors = ::open("/proc/self/fd", O_RDONLY | O_CLOEXEC);
};
const Files& files() {
  static const Files kFiles;
  return kFiles;
}

std::string read_stat() {
  std::array<char, 1024> buffer;
  const auto size = ::pread(files().stat, buffer.data(), buffer.size(), 0);
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
}

/// The time of boot by the wall clock, to which start times are relative.
double boot_time() {
  timespec now{}, since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  return static_cast<double>(now.tv_sec - since_boot.tv_sec) +
         static_cast<double>(now.tv_nsec - since_boot.tv_nsec) / 1e9;
}

double start_time(double ticks_since_boot) {
  static KeptTime started;
  return started.keep(boot_time() + ticks_since_boot / static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

std::optional<double> open_descriptors() {
  struct stat directory {};
  // Since Linux 6.2 the size of the directory is the number of descriptors.
  if (::fstat(files().descriptors, &directory) == 0 && directory.st_size > 0) {
    return static_cast<double>(directory.st_size);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir("/proc/self/fd"), ::closedir);
  if (!handle) return std::nullopt;
  double entries = 0;
  while (::readdir(handle.get()) != nullptr) ++entries;
  return entries - 3;  // ".", ".." and the descriptor that this reads with
}

double limit_of(rlimit limit) {
  return limit.rlim_cur == RLIM_INFINITY ? -1 : static_cast<double>(limit.rlim_cur);
}

}  // namespace

double KeptTime::keep(double unix_seconds) {
  constexpr double kMostJitter = 1;
  if (std::abs(unix_seconds - kept_) > kMostJitter) kept_ = unix_seconds;
  return kept_;
}

void add_process_metrics(Samples& samples) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  samples.add(kCpu, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  if (const auto open = open_descriptors()) samples.add(kOpenFds, *open);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) samples.add(kMaxFds, limit_of(limit));
  if (::getrlimit(RLIMIT_AS, &limit) == 0) samples.add(kMaxVirtual, limit_of(limit));
  const auto stat = read_stat();
  std::string_view rest = stat;
  rest.remove_prefix(std::min(rest.size(), rest.rfind(')') + 1));
  rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
  for (int field = 0; !rest.empty() && field <= kResidentField; ++field) {
    const auto text = next_part(rest, ' ');
    if (field < kThreadsField) continue;
    const auto value = parse_number<double>(text);
    if (!value) continue;
    if (field == kThreadsField) samples.add(kThreads, *value);
    if (field == kStartField) samples.add(kStart, start_time(*value));
    if (field == kVirtualField) samples.add(kVirtual, *value);
    if (field == kResidentField) {
      samples.add(kResident, *value * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    }
  }
}

std::vector<MetricView> process_metrics() {
  files();  // opened at the start, before the process can have run out of descriptors
  return {kCpu, kOpenFds, kMaxFds, kVirtual, kMaxVirtual, kResident, kThreads, kStart};
}

}  // namespace exporter
