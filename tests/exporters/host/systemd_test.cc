#include <catch2/catch.hpp>
#include <future>

#include "common/base/error.h"
#include "exporters/host/collectors.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/exporters/host/fake_systemd.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace std::chrono_literals;

namespace {

using Given = std::map<std::string, std::vector<std::string>>;

/// The page, or "reason: what" of the failure.
std::string run(const Given& given, const Deadline& deadline) {
  const Settings settings(kSystemd.flags, given, nullptr);
  const auto collect =
      collect_of(kSystemd, {settings, "/proc", "/sys", "/", "/run/udev/data", upstreams()});
  Samples samples;
  try {
    collect(samples, deadline);
  } catch (const Error& error) {
    return std::string(to_string(error.reason())) + ": " + error.what();
  }
  CHECK(samples.duplicates() == 0);
  std::string page;
  samples.render(Format::text, page);
  return page;
}

std::string run(const Given& given = {}) { return run(given, Deadline::in(60s)); }

/// The samples of a page, without the headers.
std::string samples_of(const std::string& page) {
  std::string text;
  for (std::string_view rest = page; !rest.empty();) {
    const auto line = next_part(rest, '\n');
    if (!line.starts_with('#')) text.append(line).append("\n");
  }
  return text;
}

FakeSystemd::State machine() {
  FakeSystemd::State state;
  state.manager = {{"Version", {"s", "252.39-1~deb12u2"}},
                   {"Virtualization", {"s", "kvm"}},
                   {"SystemState", {"s", "running"}}};
  state.units = {
      {"web.service",
       "loaded",
       "active",
       {{"Service.Type", {"s", "notify"}},
        {"Service.NRestarts", {"u", "3"}},
        {"Service.TasksCurrent", {"t", "12"}},
        {"Service.TasksMax", {"t", "18446744073709551615"}},
        {"Unit.ActiveEnterTimestamp", {"t", "1700000001500000"}}}},
      {"gone.service", "not-found", "inactive", {}},
      {"broken.service", "loaded", "failed", {{"Service.Type", {"s", "oneshot"}}}},
      {"ssh.socket",
       "loaded",
       "active",
       {{"Socket.NAccepted", {"u", "7"}},
        {"Socket.NConnections", {"u", "2"}},
        {"Socket.NRefused", {"u", "1"}},
        {"Unit.ActiveEnterTimestamp", {"t", "1700000000000001"}}}},
      {"old.socket", "loaded", "inactive", {{"Socket.NAccepted", {"u", "1"}}}},
      {"daily.timer", "loaded", "active", {{"Timer.LastTriggerUSec", {"t", "1700000002250000"}}}},
      {"home.mount", "loaded", "active", {{"Mount.Type", {"s", "ext4"}}}},
      {"user.slice", "loaded", "maintenance", {}},
  };
  return state;
}

std::string states(const std::string& name, const std::string& state,
                   const std::string& type = {}) {
  std::string text;
  for (const std::string_view each :
       {"active", "activating", "deactivating", "inactive", "failed"}) {
    text.append("node_systemd_unit_state{name=\"").append(name).append("\",state=\"").append(each);
    text.append("\",type=\"").append(type).append(each == state ? "\"} 1\n" : "\"} 0\n");
  }
  return text;
}

}  // namespace

TEST_CASE("the units of systemd are shown with their states") {
  const FakeSystemd systemd(machine());
  const auto page = run();
  CHECK(page.starts_with(R"(# HELP node_systemd_version Detected systemd version
# TYPE node_systemd_version gauge
node_systemd_version{version="252.39-1~deb12u2"} 252.39
# HELP node_systemd_virtualization_info Detected virtualization technology
# TYPE node_systemd_virtualization_info gauge
node_systemd_virtualization_info{virtualization_type="kvm"} 1
# HELP node_systemd_system_running)"));
  CHECK(samples_of(page) ==
        "node_systemd_version{version=\"252.39-1~deb12u2\"} 252.39\n"
        "node_systemd_virtualization_info{virtualization_type=\"kvm\"} 1\n"
        "node_systemd_system_running 1\n"
        "node_systemd_units{state=\"activating\"} 0\n"
        "node_systemd_units{state=\"active\"} 4\n"
        "node_systemd_units{state=\"deactivating\"} 0\n"
        "node_systemd_units{state=\"failed\"} 1\n"
        "node_systemd_units{state=\"inactive\"} 2\n"
        "node_systemd_units{state=\"maintenance\"} 1\n" +
            states("web.service", "active", "notify") +
            states("broken.service", "failed", "oneshot") + states("ssh.socket", "active") +
            states("old.socket", "inactive") + states("daily.timer", "active") +
            "node_systemd_socket_accepted_connections_total{name=\"ssh.socket\"} 7\n"
            "node_systemd_socket_accepted_connections_total{name=\"old.socket\"} 1\n"
            "node_systemd_socket_current_connections{name=\"ssh.socket\"} 2\n"
            "node_systemd_socket_refused_connections_total{name=\"ssh.socket\"} 1\n"
            "node_systemd_timer_last_trigger_seconds{name=\"daily.timer\"} 1700000002.25\n");
}

TEST_CASE("systemd's tasks, restarts and start times are shown when they are asked for") {
  const FakeSystemd systemd(machine());
  const auto text = samples_of(run({{"collector.systemd.enable-task-metrics", {"true"}},
                                    {"collector.systemd.enable-restarts-metrics", {"true"}},
                                    {"collector.systemd.enable-start-time-metrics", {"true"}},
                                    {"collector.systemd.unit-include", {".*service|ssh.*"}}}));
  const auto units = states("web.service", "active", "notify") +
                     states("broken.service", "failed", "oneshot") + states("ssh.socket", "active");
  const auto at = text.find(units);
  REQUIRE(at != std::string::npos);
  CHECK(text.substr(at + units.size()) ==
        "node_systemd_unit_start_time_seconds{name=\"web.service\"} 1700000001.5\n"
        "node_systemd_unit_start_time_seconds{name=\"broken.service\"} 0\n"
        "node_systemd_unit_start_time_seconds{name=\"ssh.socket\"} 1700000000.000001\n"
        "node_systemd_unit_tasks_current{name=\"web.service\"} 12\n"
        "node_systemd_service_restart_total{name=\"web.service\"} 3\n"
        "node_systemd_socket_accepted_connections_total{name=\"ssh.socket\"} 7\n"
        "node_systemd_socket_current_connections{name=\"ssh.socket\"} 2\n"
        "node_systemd_socket_refused_connections_total{name=\"ssh.socket\"} 1\n");
}

TEST_CASE("units of systemd are taken when their whole name fits, and not the exclusion too") {
  const FakeSystemd systemd(machine());
  const auto text = samples_of(run({{"collector.systemd.unit-include", {"home|.*mount|web"}},
                                    {"collector.systemd.unit-exclude", {"home"}}}));
  const auto units = states("home.mount", "active", "ext4");
  CHECK(text.ends_with("node_systemd_units{state=\"maintenance\"} 1\n" + units));
}

TEST_CASE("an old systemd that lacks properties gives the rest") {
  auto state = machine();
  state.manager = {{"Version", {"s", "systemd"}}};
  state.units.resize(1);
  state.units[0].properties.clear();
  const FakeSystemd systemd(state);
  CHECK(samples_of(run()) ==
        "node_systemd_version{version=\"\"} 0\n"
        "node_systemd_virtualization_info{virtualization_type=\"unknown\"} 1\n"
        "node_systemd_units{state=\"activating\"} 0\n"
        "node_systemd_units{state=\"active\"} 1\n"
        "node_systemd_units{state=\"deactivating\"} 0\n"
        "node_systemd_units{state=\"failed\"} 0\n"
        "node_systemd_units{state=\"inactive\"} 0\n" +
            states("web.service", "active"));
}

TEST_CASE("a systemd that refuses, hangs up or cannot be reached is an error") {
  auto state = machine();
  SECTION("refuses") {
    state.lists_units = false;
    const FakeSystemd systemd(state);
    CHECK(run() == "query: systemd did not list its units");
  }
  SECTION("hangs up") {
    state.hangs_up_at = GENERATE("Hello", "Get", "ListUnits");
    const FakeSystemd systemd(state);
    CHECK(run().starts_with("connect: the system's message bus: "));
  }
  SECTION("is not there") {
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
    CHECK(run() == "connect: the system's message bus: No such file or directory");
    ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  }
}

TEST_CASE("a message bus that says nothing costs no more than the deadline") {
  auto state = machine();
  state.mute = true;
  const FakeSystemd systemd(state);
  const auto begin = Clock::now();
  CHECK(run({}, Deadline::in(200ms)).starts_with("timeout: "));
  CHECK(Clock::now() - begin < 10s);
}
