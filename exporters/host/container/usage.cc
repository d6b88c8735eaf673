#include "exporters/host/container/usage.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::host::container {
namespace {

constexpr double kMicro = 1e6, kNano = 1e9;
/// A limit above this is no limit, as in cAdvisor.
constexpr double kNoLimit = 0x1p62;

constexpr auto kReadAgain = std::chrono::minutes(5);

/// More than two periods, of 2 s each, at which the kernel updates pressures.
constexpr auto kSettled = std::chrono::seconds(5);

double ticks_per_second() {
  static const auto kTicks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return kTicks;
}

/// The target of a line "key value", and its divisor.
struct Field {
  std::string_view key;
  Value* value;
  double unit = 1;
};

/// Reads the fields from lines "key value"; ignores other lines.
void take_fields(Lines lines, std::initializer_list<Field> fields) {
  for (std::string_view line; lines.next(line);) {
    const auto key = next_part(line, ' ');
    for (const auto& [name, value, unit] : fields) {
      if (name == key) *value = lines.number(line) / unit;
    }
  }
}

/// The files that count a group's I/O in cgroup v1, bytes and operations; the first that counts any
/// is used: the throttling layer for all devices, including the groups below since Linux 5.3; an
/// I/O scheduler for those that it serves, CFQ before 5.0
/// (Documentation/admin-guide/cgroup-v1/blkio-controller.rst).
struct IoFiles {
  std::string_view bytes, operations;
};
constexpr IoFiles kIoFiles[] = {
    {"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive"},
    {"blkio.io_service_bytes_recursive", "blkio.io_serviced_recursive"},
    {"blkio.bfq.io_service_bytes_recursive", "blkio.bfq.io_serviced_recursive"},
    {"blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced"},
};

Value limit_of(Value bytes) {
  if (bytes && *bytes > kNoLimit) return 0;
  return bytes;
}

/// The CPU shares that correspond to a weight of cgroup v2, by runc's formula.
Value shares_of(Value weight) {
  if (!weight) return weight;
  return 2 + std::floor((*weight - 1) * 262142 / 9999);
}

Usage::Device& device_of(Usage& usage, std::string_view number) {
  const auto found = std::ranges::find(usage.devices, number, &Usage::Device::number);
  if (found != usage.devices.end()) return *found;
  return usage.devices.emplace_back(Usage::Device{.number = std::string(number)});
}

}  // namespace

std::optional<std::string_view> UsageReader::read(Controller controller, std::string_view file) {
  const auto& root = hierarchies_[controller].root;
  if (root.empty()) return std::nullopt;
  return known_->files.read(root, group_, file, buffer_);
}

void UsageReader::note(Controller controller, std::string_view what) {
  problems_.note(hierarchies_[controller].root + std::string(group_) + '/' + std::string(what));
}

template <class Parse>
void UsageReader::take(Controller controller, std::string_view file, const Parse& parse) {
  const auto text = read(controller, file);
  if (!text) return;
  try {
    parse(Lines(std::string(file), *text));
  } catch (const Error& error) {
    note(controller, error.what());
  }
}

Value UsageReader::number(Controller controller, std::string_view file) {
  const auto text = read(controller, file);
  if (!text) return std::nullopt;
  const auto word = trim(*text);
  if (word == "max") return kNoLimit * 2;
  const auto value = parse_number<double>(word);
  if (!value) note(controller, std::string(file) + ":1: expected a number");
  return value;
}

void UsageReader::know(std::string_view group, Known& known) {
  group_ = group;
  known_ = &known;
  known.files.look_again();
  known.limits = limits();
  const bool unified = hierarchies_[Controller::memory].unified;
  known.memory_peak =
      number(Controller::memory, unified ? "memory.peak" : "memory.max_usage_in_bytes");
  if (!unified) known.memory_fails = number(Controller::memory, "memory.failcnt");
}

/// In cgroup v2 the kernel may write to devices on behalf of a group that is not running.
bool UsageReader::usage(std::string_view group, Known& known, Clock::time_point now) {
  group_ = group;
  known_ = &known;
  auto last = std::exchange(known.usage, {});
  auto& usage = known.usage;
  read_cpu(usage);
  const bool unified = hierarchies_[Controller::memory].unified;
  usage.memory = number(Controller::memory, unified ? "memory.current" : "memory.usage_in_bytes");
  if (unified && group_.empty()) read_root_memory(usage);
  const bool moved = !usage.cpu || usage.cpu != last.cpu || usage.memory != last.memory;
  const bool still = !moved && now - known.work_read < kReadAgain;
  if (still && known.waits_read - known.moved > kSettled) {
    static_cast<Waits&>(usage) = last;
  } else {
    read_waits(last, moved, now);
  }
  if (still) {
    static_cast<Work&>(usage) = std::move(last);
  } else {
    read_work(usage);
    known.work_read = now;
  }
  if (hierarchies_[Controller::blkio].unified) read_devices_v2(usage);
  return !still;
}

/// If two readings more than the kernel's period apart are equal, no task waited.
void UsageReader::read_waits(const Usage& last, bool moved, Clock::time_point now) {
  auto& usage = known_->usage;
  read_pressure("io.pressure", usage.io_waiting, usage.io_stalled);
  read_pressure("memory.pressure", usage.memory_waiting, usage.memory_stalled);
  if (moved || static_cast<Waits&>(usage) != last) known_->moved = now;
  known_->waits_read = now;
}

void UsageReader::read_work(Usage& usage) {
  const bool unified = hierarchies_[Controller::memory].unified;
  if (unified) {
    read_memory_v2(usage);
  } else {
    read_memory_v1(usage);
  }
  auto& peak = known_->memory_peak;
  if (peak && usage.memory) peak = std::max(*peak, *usage.memory);
  usage.memory_peak = peak;
  usage.tasks = number(Controller::pids, "pids.current");
  if (!hierarchies_[Controller::blkio].unified) read_devices_v1(usage);
  read_pressure("cpu.pressure", usage.cpu_waiting, usage.cpu_stalled);
  if (hierarchies_[Controller::cpuacct].unified) return;
  take(Controller::cpuacct, "cpuacct.stat", [&](const Lines& lines) {
    take_fields(lines, {{"user", &usage.cpu_user, ticks_per_second()},
                        {"system", &usage.cpu_system, ticks_per_second()}});
  });
}

/// Throttling is only reported for groups with a quota, as in cAdvisor.
void UsageReader::read_cpu(Usage& usage) {
  const bool limited = known_->limits.cpu_quota.has_value();
  const auto take_throttling = [&](const Lines& lines, std::string_view time, double unit) {
    take_fields(lines, {{"nr_periods", &usage.cfs_periods},
                        {"nr_throttled", &usage.cfs_throttled_periods},
                        {time, &usage.cfs_throttled, unit}});
  };
  if (hierarchies_[Controller::cpuacct].unified) {
    take(Controller::cpuacct, "cpu.stat", [&](const Lines& lines) {
      take_fields(lines, {{"usage_usec", &usage.cpu, kMicro},
                          {"user_usec", &usage.cpu_user, kMicro},
                          {"system_usec", &usage.cpu_system, kMicro}});
      if (limited) take_throttling(lines, "throttled_usec", kMicro);
    });
    return;
  }
  usage.cpu = number(Controller::cpuacct, "cpuacct.usage");
  if (usage.cpu) *usage.cpu /= kNano;
  if (!limited) return;
  take(Controller::cpu, "cpu.stat",
       [&](const Lines& lines) { take_throttling(lines, "throttled_time", kNano); });
}

void UsageReader::read_memory_v1(Usage& usage) {
  // Without a limit there are no failures.
  const bool limited = known_->limits.memory.value_or(0) > 0;
  usage.memory_fails =
      limited ? number(Controller::memory, "memory.failcnt") : known_->memory_fails;
  Value inactive;
  take(Controller::memory, "memory.stat", [&](const Lines& lines) {
    // The later fields, total_*, include the groups below; they override these if the kernel has
    // them.
    take_fields(lines, {{"cache", &usage.cache},
                        {"rss", &usage.rss},
                        {"swap", &usage.swap},
                        {"mapped_file", &usage.mapped},
                        {"pgfault", &usage.page_faults},
                        {"pgmajfault", &usage.major_faults},
                        {"inactive_file", &inactive},
                        {"total_cache", &usage.cache},
                        {"total_rss", &usage.rss},
                        {"total_swap", &usage.swap},
                        {"total_mapped_file", &usage.mapped},
                        {"total_pgfault", &usage.tree_page_faults},
                        {"total_pgmajfault", &usage.tree_major_faults},
                        {"total_inactive_file", &inactive}});
  });
  if (!usage.tree_page_faults) usage.tree_page_faults = usage.page_faults;
  if (!usage.tree_major_faults) usage.tree_major_faults = usage.major_faults;
  if (usage.memory) usage.working_set = std::max(0.0, *usage.memory - inactive.value_or(0));
  take(Controller::memory, "memory.oom_control", [&](const Lines& lines) {
    take_fields(lines, {{"oom_kill", &usage.oom_kills}});
  });
}

void UsageReader::read_memory_v2(Usage& usage) {
  if (!group_.empty()) usage.swap = number(Controller::memory, "memory.swap.current");
  Value inactive;
  take(Controller::memory, "memory.stat", [&](const Lines& lines) {
    take_fields(lines, {{"anon", &usage.rss},
                        {"file", &usage.cache},
                        {"file_mapped", &usage.mapped},
                        {"inactive_file", &inactive},
                        {"pgfault", &usage.page_faults},
                        {"pgmajfault", &usage.major_faults}});
  });
  usage.tree_page_faults = usage.page_faults;
  usage.tree_major_faults = usage.major_faults;
  if (usage.memory) usage.working_set = std::max(0.0, *usage.memory - inactive.value_or(0));
  take(Controller::memory, "memory.events", [&](const Lines& lines) {
    take_fields(lines, {{"max", &usage.memory_fails}, {"oom_kill", &usage.oom_kills}});
  });
}

/// As in runc: the root group of cgroup v2 uses all memory that is not free.
void UsageReader::read_root_memory(Usage& usage) {
  const auto text = proc_.read("meminfo");
  if (!text) return;
  Value total, free, swap_total, swap_free;
  Lines lines(proc_.path("meminfo"), *text);
  for (std::string_view line; lines.next(line);) {
    const auto key = next_part(line, ':');
    const auto take = [&](std::string_view name, Value& value) {
      if (key == name) value = lines.number(next_word(line)) * 1024;
    };
    take("MemTotal", total);
    take("MemFree", free);
    take("SwapTotal", swap_total);
    take("SwapFree", swap_free);
  }
  if (total && free) usage.memory = *total - *free;
  if (swap_total && swap_free) usage.swap = *swap_total - *swap_free;
}

/// In bytes and operations, lines like "MAJOR:MINOR Operation N".
void UsageReader::read_devices_v1(Usage& usage) {
  const auto take_operations = [&](std::string_view file, double Usage::Device::*reads,
                                   double Usage::Device::*writes) {
    take(Controller::blkio, file, [&](Lines lines) {
      for (std::string_view line; lines.next(line);) {
        const auto number = next_word(line), operation = next_word(line);
        if (operation == "Read") device_of(usage, number).*reads = lines.number(next_word(line));
        if (operation == "Write") device_of(usage, number).*writes = lines.number(next_word(line));
      }
    });
  };
  using Device = Usage::Device;
  for (const auto& [bytes, operations] : kIoFiles) {
    take_operations(bytes, &Device::read_bytes, &Device::written_bytes);
    if (usage.devices.empty()) continue;
    return take_operations(operations, &Device::reads, &Device::writes);
  }
}

/// "MAJOR:MINOR rbytes=N wbytes=N ...". A device without counts may have only its number, after
/// which Linux 5.15 and 5.16 write no newline: "7:0 8:0 rbytes=N".
void UsageReader::read_devices_v2(Usage& usage) {
  static constexpr std::pair<std::string_view, double Usage::Device::*> kCounts[] = {
      {"rbytes", &Usage::Device::read_bytes},
      {"wbytes", &Usage::Device::written_bytes},
      {"rios", &Usage::Device::reads},
      {"wios", &Usage::Device::writes}};
  usage.devices.clear();
  take(Controller::blkio, "io.stat", [&](Lines lines) {
    for (std::string_view line; lines.next(line);) {
      std::string_view number;
      for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
        const auto key = next_part(word, '=');
        if (key.find(':') != key.npos) number = key;
        for (const auto& [name, value] : kCounts) {
          if (name == key) device_of(usage, number).*value = lines.number(word);
        }
      }
    }
  });
}

void UsageReader::read_pressure(std::string_view file, Value& waiting, Value& stalled) {
  take(Controller::pressure, file, [&](Lines lines) {
    for (std::string_view line; lines.next(line);) {
      const auto total = line.rfind("total=");
      if (total == line.npos) lines.fail("the total is missing");
      auto& value = line.starts_with("full") ? stalled : waiting;
      value = lines.number(line.substr(total + 6)) / kMicro;
    }
  });
}

Limits UsageReader::limits() {
  Limits limits;
  if (hierarchies_[Controller::cpu].unified) {
    take(Controller::cpu, "cpu.max", [&](Lines lines) {
      std::string_view line;
      lines.next(line);
      const auto quota = next_word(line);
      if (quota != "max") limits.cpu_quota = lines.number(quota);
      limits.cpu_period = lines.number(next_word(line));
    });
    limits.cpu_shares = shares_of(number(Controller::cpu, "cpu.weight"));
  } else {
    limits.cpu_quota = number(Controller::cpu, "cpu.cfs_quota_us");
    if (limits.cpu_quota && *limits.cpu_quota < 0) limits.cpu_quota.reset();
    limits.cpu_period = number(Controller::cpu, "cpu.cfs_period_us");
    limits.cpu_shares = number(Controller::cpu, "cpu.shares");
  }
  const bool unified = hierarchies_[Controller::memory].unified;
  const auto bytes = [&](std::string_view v2, std::string_view v1) {
    return limit_of(number(Controller::memory, unified ? v2 : v1));
  };
  limits.memory = bytes("memory.max", "memory.limit_in_bytes");
  limits.memory_reservation = bytes("memory.low", "memory.soft_limit_in_bytes");
  limits.memory_swap = bytes("memory.swap.max", "memory.memsw.limit_in_bytes");
  limits.tasks = limit_of(number(Controller::pids, "pids.max"));
  return limits;
}

}  // namespace exporter::host::container
