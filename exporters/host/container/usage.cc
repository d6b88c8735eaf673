#include "exporters/host/container/usage.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "common/base/text.h"

namespace exporter::host::container {
namespace {

constexpr double kMicro = 1e6, kNano = 1e9;
/// Above it a limit is none, in cAdvisor and here.
constexpr double kNoLimit = 0x1p62;

double ticks_per_second() {
  static const auto kTicks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return kTicks;
}

/// Where the value of a line "key value" goes, and what it is divided by.
struct Field {
  std::string_view key;
  Value* value;  ///< null: not wanted
  double unit = 1;
};

/// Takes the fields from lines "key value"; every other line is left alone.
void take_fields(Lines lines, std::initializer_list<Field> fields) {
  for (std::string_view line; lines.next(line);) {
    const auto key = next_part(line, ' ');
    for (const auto& [name, value, unit] : fields) {
      if (name == key && value != nullptr) *value = lines.number(line) / unit;
    }
  }
}

Value limit_of(Value bytes) {
  if (bytes && *bytes > kNoLimit) return 0;
  return bytes;
}

/// The CPU shares that a weight of cgroup v2 was made from, as runc turns them into each other.
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

UsageReader::Text UsageReader::read(Controller controller, std::string_view file) {
  const auto& root = hierarchies_[controller].root;
  auto& absent = known_->absent;
  if (root.empty() || std::ranges::find(absent, file) != absent.end()) return {};
  Text text;
  text.path.reserve(root.size() + group_.size() + file.size() + 1);
  text.path.append(root, 1).append(group_).append("/").append(file);
  text.text = files_.read(text.path);
  if (!text.text) absent.push_back(file);
  return text;
}

Value UsageReader::number(Controller controller, std::string_view file) {
  const auto [path, text] = read(controller, file);
  if (!text) return std::nullopt;
  const auto word = trim(*text);
  if (word == "max") return kNoLimit * 2;
  return Lines('/' + path, word).number(word);
}

Usage UsageReader::usage(std::string_view group, Known& known) {
  group_ = group;
  known_ = &known;
  Usage usage;
  read_cpu(usage);
  if (hierarchies_[Controller::memory].unified) {
    read_memory_v2(usage);
  } else {
    read_memory_v1(usage);
  }
  if (known.memory_peak && usage.memory) {
    known.memory_peak = std::max(*known.memory_peak, *usage.memory);
  }
  usage.memory_peak = known.memory_peak;
  read_devices(usage);
  usage.tasks = number(Controller::pids, "pids.current");
  read_pressure(usage);
  return usage;
}

Known UsageReader::know(std::string_view group) {
  Known known;
  group_ = group;
  known_ = &known;
  known.limits = limits();
  const bool unified = hierarchies_[Controller::memory].unified;
  known.memory_peak =
      number(Controller::memory, unified ? "memory.peak" : "memory.max_usage_in_bytes");
  if (!unified) known.memory_fails = number(Controller::memory, "memory.failcnt");
  return known;
}

/// Throttling is only told of groups that have a quota, as cAdvisor has it.
void UsageReader::read_cpu(Usage& usage) {
  const auto take = [&](Controller controller, std::string_view file,
                        std::initializer_list<Field> fields) {
    const auto [path, text] = read(controller, file);
    if (text) take_fields({'/' + path, *text}, fields);
  };
  if (hierarchies_[Controller::cpuacct].unified) {
    take(Controller::cpuacct, "cpu.stat",
         {{"usage_usec", &usage.cpu, kMicro},
          {"user_usec", &usage.cpu_user, kMicro},
          {"system_usec", &usage.cpu_system, kMicro},
          {"nr_periods", known_->limits.cpu_quota ? &usage.cfs_periods : nullptr},
          {"nr_throttled", known_->limits.cpu_quota ? &usage.cfs_throttled_periods : nullptr},
          {"throttled_usec", known_->limits.cpu_quota ? &usage.cfs_throttled : nullptr, kMicro}});
    return;
  }
  usage.cpu = number(Controller::cpuacct, "cpuacct.usage");
  if (usage.cpu) *usage.cpu /= kNano;
  take(Controller::cpuacct, "cpuacct.stat",
       {{"user", &usage.cpu_user, ticks_per_second()},
        {"system", &usage.cpu_system, ticks_per_second()}});
  if (!known_->limits.cpu_quota) return;
  take(Controller::cpu, "cpu.stat",
       {{"nr_periods", &usage.cfs_periods},
        {"nr_throttled", &usage.cfs_throttled_periods},
        {"throttled_time", &usage.cfs_throttled, kNano}});
}

void UsageReader::read_memory_v1(Usage& usage) {
  usage.memory = number(Controller::memory, "memory.usage_in_bytes");
  // Without a limit nothing fails.
  const bool limited = known_->limits.memory.value_or(0) > 0;
  usage.memory_fails =
      limited ? number(Controller::memory, "memory.failcnt") : known_->memory_fails;
  Value inactive;
  const auto [path, text] = read(Controller::memory, "memory.stat");
  if (text) {
    take_fields({'/' + path, *text}, {{"pgfault", &usage.page_faults},
                                      {"pgmajfault", &usage.major_faults},
                                      {"total_cache", &usage.cache},
                                      {"total_rss", &usage.rss},
                                      {"total_swap", &usage.swap},
                                      {"total_mapped_file", &usage.mapped},
                                      {"total_pgfault", &usage.tree_page_faults},
                                      {"total_pgmajfault", &usage.tree_major_faults},
                                      {"total_inactive_file", &inactive}});
  }
  if (usage.memory) usage.working_set = std::max(0.0, *usage.memory - inactive.value_or(0));
  const auto control = read(Controller::memory, "memory.oom_control");
  if (control.text) {
    take_fields({'/' + control.path, *control.text}, {{"oom_kill", &usage.oom_kills}});
  }
}

void UsageReader::read_memory_v2(Usage& usage) {
  usage.memory = number(Controller::memory, "memory.current");
  usage.swap = number(Controller::memory, "memory.swap.current");
  if (group_.empty()) read_root_memory(usage);
  Value inactive;
  const auto [path, text] = read(Controller::memory, "memory.stat");
  if (text) {
    take_fields({'/' + path, *text}, {{"anon", &usage.rss},
                                      {"file", &usage.cache},
                                      {"file_mapped", &usage.mapped},
                                      {"inactive_file", &inactive},
                                      {"pgfault", &usage.page_faults},
                                      {"pgmajfault", &usage.major_faults}});
  }
  usage.tree_page_faults = usage.page_faults;
  usage.tree_major_faults = usage.major_faults;
  if (usage.memory) usage.working_set = std::max(0.0, *usage.memory - inactive.value_or(0));
  const auto events = read(Controller::memory, "memory.events");
  if (events.text) {
    take_fields({'/' + events.path, *events.text},
                {{"max", &usage.memory_fails}, {"oom_kill", &usage.oom_kills}});
  }
}

/// As runc has it: the root group of cgroup v2 uses what is not free.
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

void UsageReader::read_devices(Usage& usage) {
  if (hierarchies_[Controller::blkio].unified) {
    const auto [path, text] = read(Controller::blkio, "io.stat");
    Lines lines('/' + path, text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      auto& device = device_of(usage, next_word(line));
      for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
        const auto key = next_part(word, '=');
        if (key == "rbytes") device.read_bytes = lines.number(word);
        if (key == "wbytes") device.written_bytes = lines.number(word);
        if (key == "rios") device.reads = lines.number(word);
        if (key == "wios") device.writes = lines.number(word);
      }
    }
    return;
  }
  const auto take = [&](std::string_view file, double Usage::Device::*reads,
                        double Usage::Device::*writes) {
    const auto [path, text] = read(Controller::blkio, file);
    Lines lines('/' + path, text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      const auto number = next_word(line), operation = next_word(line);
      if (operation == "Read") device_of(usage, number).*reads = lines.number(next_word(line));
      if (operation == "Write") device_of(usage, number).*writes = lines.number(next_word(line));
    }
  };
  using Device = Usage::Device;
  take("blkio.throttle.io_service_bytes_recursive", &Device::read_bytes, &Device::written_bytes);
  if (usage.devices.empty()) return;
  take("blkio.throttle.io_serviced_recursive", &Device::reads, &Device::writes);
}

void UsageReader::read_pressure(Usage& usage) {
  const auto take = [&](std::string_view file, Value& waiting, Value& stalled) {
    const auto [path, text] = read(Controller::pressure, file);
    Lines lines('/' + path, text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      const auto total = line.rfind("total=");
      if (total == line.npos) lines.fail("the total is missing");
      auto& value = line.starts_with("full") ? stalled : waiting;
      value = lines.number(line.substr(total + 6)) / kMicro;
    }
  };
  take("cpu.pressure", usage.cpu_waiting, usage.cpu_stalled);
  take("io.pressure", usage.io_waiting, usage.io_stalled);
  take("memory.pressure", usage.memory_waiting, usage.memory_stalled);
}

Limits UsageReader::limits() {
  Limits limits;
  if (hierarchies_[Controller::cpu].unified) {
    const auto [path, text] = read(Controller::cpu, "cpu.max");
    if (text) {
      const Lines lines('/' + path, *text);
      auto rest = trim(*text);
      if (const auto quota = next_word(rest); quota != "max")
        limits.cpu_quota = lines.number(quota);
      limits.cpu_period = lines.number(next_word(rest));
    }
    limits.cpu_shares = shares_of(number(Controller::cpu, "cpu.weight"));
  } else {
    const auto [path, text] = read(Controller::cpu, "cpu.cfs_quota_us");
    if (text && !text->starts_with('-')) {
      limits.cpu_quota = Lines('/' + path, *text).number(trim(*text));
    }
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
