#include <algorithm>
#include <limits>
#include <map>

#include "exporters/host/module.h"
#include "exporters/host/systemd_manager.h"

namespace exporter::host {
namespace {

constexpr auto kUnitState =
    gauge("node_systemd_unit_state", "Systemd unit", "name", "state", "type");
constexpr auto kStartTime = gauge("node_systemd_unit_start_time_seconds",
                                  "Start time of the unit since unix epoch in seconds.", "name");
constexpr auto kTasks =
    gauge("node_systemd_unit_tasks_current", "Current number of tasks per Systemd unit", "name");
constexpr auto kMaxTasks =
    gauge("node_systemd_unit_tasks_max", "Maximum number of tasks per Systemd unit", "name");
constexpr auto kRunning =
    gauge("node_systemd_system_running",
          "Whether the system is operational (see 'systemctl is-system-running')");
constexpr auto kUnits = gauge("node_systemd_units", "Summary of systemd unit states", "state");
constexpr auto kRestarts =
    counter("node_systemd_service_restart_total", "Service unit count of Restart triggers", "name");
constexpr auto kLastTrigger = gauge("node_systemd_timer_last_trigger_seconds",
                                    "Seconds since epoch of last trigger.", "name");
constexpr auto kAccepted = counter("node_systemd_socket_accepted_connections_total",
                                   "Total number of accepted socket connections", "name");
constexpr auto kConnections = gauge("node_systemd_socket_current_connections",
                                    "Current number of socket connections", "name");
constexpr auto kRefused = counter("node_systemd_socket_refused_connections_total",
                                  "Total number of refused socket connections", "name");
constexpr auto kVersion = gauge("node_systemd_version", "Detected systemd version", "version");
constexpr auto kVirtualization = info("node_systemd_virtualization_info",
                                      "Detected virtualization technology", "virtualization_type");
constexpr MetricView kMetrics[] = {kUnitState, kStartTime, kTasks,         kMaxTasks, kRunning,
                                   kUnits,     kRestarts,  kLastTrigger,   kAccepted, kConnections,
                                   kRefused,   kVersion,   kVirtualization};

constexpr Flag kInclude{"collector.systemd.unit-include", ".+",
                        "Regexp of units to include; it matches the whole name.", Flag::Kind::value,
                        "collector.systemd.unit-whitelist"};
constexpr Flag kExclude{"collector.systemd.unit-exclude",
                        ".+\\.(automount|device|mount|scope|slice)",
                        "Regexp of units to exclude from them; it matches the whole name.",
                        Flag::Kind::value, "collector.systemd.unit-blacklist"};
constexpr Flag kEnableTasks{"collector.systemd.enable-task-metrics", "false",
                            "Export unit_tasks_current and unit_tasks_max of services.",
                            Flag::Kind::boolean};
constexpr Flag kEnableRestarts{"collector.systemd.enable-restarts-metrics", "false",
                               "Export service_restart_total of services.", Flag::Kind::boolean};
constexpr Flag kEnableStartTime{"collector.systemd.enable-start-time-metrics", "false",
                                "Export unit_start_time_seconds of units.", Flag::Kind::boolean};
constexpr Flag kFlags[] = {kInclude, kExclude, kEnableTasks, kEnableRestarts, kEnableStartTime};

constexpr std::string_view kStates[] = {"active", "activating", "deactivating", "inactive",
                                        "failed"};

/// The first number with at least three digits: 252.39 in "252.39-1~deb12u2"; 0 if there is none.
double version_number(std::string_view version) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  while (!version.empty()) {
    const auto begin = std::find_if(version.begin(), version.end(), is_digit);
    const auto end = std::find_if_not(begin, version.end(), is_digit);
    if (end - begin >= 3) {
      auto fraction = end;
      if (end != version.end() && *end == '.') {
        fraction = std::find_if_not(end + 1, version.end(), is_digit);
      }
      return parse_number<double>(std::string_view(begin, fraction)).value_or(0);
    }
    version.remove_prefix(static_cast<std::size_t>(end - version.begin()));
  }
  return 0;
}

class Systemd {
 public:
  explicit Systemd(const Host& host)
      : included_(host.settings, kInclude.name, "", Filter::Match::whole),
        excluded_(host.settings, "", kExclude.name, Filter::Match::whole),
        tasks_(host.settings.enabled(kEnableTasks.name)),
        restarts_(host.settings.enabled(kEnableRestarts.name)),
        start_time_(host.settings.enabled(kEnableStartTime.name)) {}

  void collect(Samples& samples, const Deadline& deadline) {
    SystemdManager manager(deadline);
    add_manager(samples, manager, deadline);
    const auto units = manager.units(deadline);
    add_summary(samples, units);
    for (const auto& unit : units) {
      if (unit.load_state != "loaded") continue;
      if (included_.passes(unit.name) && excluded_.passes(unit.name)) {
        add_unit(samples, manager, unit, deadline);
      }
    }
  }

 private:
  using Unit = SystemdManager::Unit;

  static void add_manager(Samples& samples, SystemdManager& manager, const Deadline& deadline);
  static void add_summary(Samples& samples, const std::vector<Unit>& units);
  void add_unit(Samples& samples, SystemdManager& manager, const Unit& unit,
                const Deadline& deadline) const;
  void add_service(Samples& samples, SystemdManager& manager, const Unit& unit,
                   const Deadline& deadline) const;
  static void add_socket(Samples& samples, SystemdManager& manager, const Unit& unit,
                         const Deadline& deadline);

  Filter included_, excluded_;
  bool tasks_, restarts_, start_time_;
};

void Systemd::add_manager(Samples& samples, SystemdManager& manager, const Deadline& deadline) {
  const auto version = manager.manager_text("Version", deadline).value_or("");
  const auto number = version_number(version);
  samples.add(kVersion, number, number == 0 ? "" : version);
  const auto virtualization = manager.manager_text("Virtualization", deadline).value_or("unknown");
  samples.add(kVirtualization, 1, virtualization.empty() ? "none" : virtualization);
  if (const auto state = manager.manager_text("SystemState", deadline)) {
    samples.add(kRunning, *state == "running" ? 1 : 0);
  }
}

void Systemd::add_summary(Samples& samples, const std::vector<Unit>& units) {
  std::map<std::string_view, std::size_t> counts;
  for (const auto state : kStates) counts[state] = 0;
  for (const auto& unit : units) ++counts[unit.active_state];
  for (const auto& [state, count] : counts) {
    samples.add(kUnits, static_cast<double>(count), state);
  }
}

void Systemd::add_unit(Samples& samples, SystemdManager& manager, const Unit& unit,
                       const Deadline& deadline) const {
  const bool is_service = unit.name.ends_with(".service");
  std::optional<std::string> type;
  if (is_service) type = manager.text(unit, "Service", "Type", deadline);
  if (unit.name.ends_with(".mount")) type = manager.text(unit, "Mount", "Type", deadline);
  for (const auto state : kStates) {
    samples.add(kUnitState, state == unit.active_state ? 1 : 0, unit.name, state,
                type.value_or(""));
  }
  if (start_time_) {
    const auto entered = unit.active_state == "active"
                             ? manager.number64(unit, "Unit", "ActiveEnterTimestamp", deadline)
                             : 0;
    if (entered) samples.add(kStartTime, static_cast<double>(*entered) / 1e6, unit.name);
  }
  if (is_service) add_service(samples, manager, unit, deadline);
  if (unit.name.ends_with(".socket")) add_socket(samples, manager, unit, deadline);
  if (unit.name.ends_with(".timer")) {
    const auto triggered = manager.number64(unit, "Timer", "LastTriggerUSec", deadline);
    if (triggered) samples.add(kLastTrigger, static_cast<double>(*triggered) / 1e6, unit.name);
  }
}

void Systemd::add_service(Samples& samples, SystemdManager& manager, const Unit& unit,
                          const Deadline& deadline) const {
  constexpr auto kNone = std::numeric_limits<std::uint64_t>::max();
  if (tasks_) {
    const auto tasks = manager.number64(unit, "Service", "TasksCurrent", deadline);
    if (tasks && *tasks != kNone) samples.add(kTasks, static_cast<double>(*tasks), unit.name);
    const auto most = manager.number64(unit, "Service", "TasksMax", deadline);
    if (most && *most != kNone) samples.add(kMaxTasks, static_cast<double>(*most), unit.name);
  }
  if (restarts_) {
    const auto restarts = manager.number32(unit, "Service", "NRestarts", deadline);
    if (restarts) samples.add(kRestarts, *restarts, unit.name);
  }
}

void Systemd::add_socket(Samples& samples, SystemdManager& manager, const Unit& unit,
                         const Deadline& deadline) {
  const auto add = [&](const auto& metric, const char* property) {
    const auto value = manager.number32(unit, "Socket", property, deadline);
    if (value) samples.add(metric, *value, unit.name);
  };
  add(kAccepted, "NAccepted");
  add(kConnections, "NConnections");
  add(kRefused, "NRefused");
}

}  // namespace

extern constinit const Module kSystemd{"systemd", Module::Default::off, kMetrics, kFlags,
                                       make<Systemd>};

}  // namespace exporter::host
