#include <catch2/catch.hpp>
#include <fstream>

#include "common/base/error.h"
#include "exporters/host/collectors.h"
#include "exporters/host/container/cgroups.h"
#include "exporters/host/container/inspect.h"
#include "exporters/host/container/ooms.h"
#include "tests/exporters/host/hierarchies.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace exporter::host::container;
namespace fs = std::filesystem;

namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A machine with cgroup v2 in a temporary directory.
class Machine {
 public:
  Machine() {
    fs::create_directories(directory_.path() / "proc/1");
    std::ofstream(directory_.path() / "proc/1/mountinfo")
        << "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    fs::create_directories(root());
  }
  fs::path root() const { return directory_.path() / "sys/fs/cgroup"; }
  Host host() {
    return {settings_,  directory_.path() / "proc", directory_.path() / "sys", "/", "/",
            upstreams()};
  }
  Filter slices() const { return {settings_, "collector.container.cgroup-include", ""}; }

 private:
  TemporaryDirectory directory_;
  Settings settings_{
      kContainer.flags, {{"collector.container.cgroup-include", {"^/.*\\.slice$"}}}, nullptr};
};

std::vector<std::string> ids(Cgroups& cgroups) {
  std::vector<std::string> found;
  for (const auto* group : cgroups.find()) found.push_back(group->id);
  return found;
}

Container inspected(const std::string& text, const std::vector<std::string>& labels = {}) {
  return parse_container(Json::parse(text, "GET /x"), labels);
}

std::string inspect_error(const std::string& text) {
  try {
    inspected(text);
    return "none";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a control group's path tells the container that it is of") {
  const std::vector<std::pair<std::string, std::string>> paths = {
      {"/docker/" + kId, kId},
      {"/system.slice/docker-" + kId + ".scope", kId},
      {"/any/parent/" + kId, kId},
      {"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + kId + ".scope", kId},
      {"/kubepods.slice/kubepods-pod1.slice/crio-" + kId + ".scope", kId},
      {"/kubepods/burstable/pod1/" + kId, kId},
      {"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" + kId, kId},
      {"/machine.slice/libpod-" + kId + ".scope", kId},
      {"/libpod_parent/libpod-" + kId, kId},
      {"/default/demo", "demo"},
      {"/default/" + kId, kId},
      {"/machine.slice/libpod-conmon-" + kId + ".scope", ""},
      {"/kubepods.slice/crio-conmon-" + kId + ".scope", ""},
      {"/machine.slice/libpod-" + kId + ".scope/container", ""},
      {"/docker/x" + kId, ""},
      {"/docker/" + kId.substr(1), ""},
      {"/docker/" + kId.substr(1) + "g", ""},
      {"/default", ""},
      {"/default/demo/child", ""},
      {"/system.slice", ""},
      {"/", ""}};
  for (const auto& [path, container] : paths) {
    CAPTURE(path);
    CHECK(container_of(path) == container);
  }
}

TEST_CASE("control groups that come and go are followed, those made anew too") {
  Machine machine;
  fs::create_directories(machine.root() / "a.slice");
  fs::create_directories(machine.root() / "docker" / kId);
  Cgroups cgroups(machine.host(), machine.slices());
  using Ids = std::vector<std::string>;
  CHECK(ids(cgroups) == Ids{"/a.slice", "/docker/" + kId});
  fs::create_directories(machine.root() / "b.slice/b-c.slice");
  CHECK(ids(cgroups) == Ids{"/a.slice", "/b.slice", "/b.slice/b-c.slice", "/docker/" + kId});

  INFO("one goes and another comes, so that their number stays");
  fs::remove(machine.root() / "a.slice");
  fs::create_directories(machine.root() / "z.slice");
  CHECK(ids(cgroups) == Ids{"/b.slice", "/b.slice/b-c.slice", "/docker/" + kId, "/z.slice"});

  INFO("what is made anew under its name is another one");
  cgroups.find().front()->processes.started = 5;
  fs::rename(machine.root() / "b.slice", machine.root() / "kept");
  fs::create_directories(machine.root() / "b.slice");
  CHECK_FALSE(cgroups.find().front()->processes.started);
  fs::remove_all(machine.root() / "docker");
  fs::remove_all(machine.root() / "kept");
  CHECK(ids(cgroups) == Ids{"/b.slice", "/z.slice"});
}

TEST_CASE("a walk ends, however deep and many the control groups are") {
  Machine machine;
  auto deep = machine.root();
  for (int i = 0; i < 40; ++i) deep /= "d";
  fs::create_directories(deep / "x.slice");
  fs::create_directories(machine.root() / "y.slice");
  Cgroups cgroups(machine.host(), machine.slices());
  for (int run = 0; run < 2; ++run) {
    CHECK(ids(cgroups) == std::vector<std::string>{"/y.slice"});
    CHECK(cgroups.dropped() == 1);
  }
}

TEST_CASE("a control group that a burst of others kept out is found when those are gone") {
  constexpr std::size_t kMost = 20;
  Machine machine;
  const auto burst = machine.root() / "burst";
  for (std::size_t i = 0; i < kMost; ++i) fs::create_directories(burst / std::to_string(i));
  fs::create_directories(machine.root() / "late" / "x.slice");
  Cgroups cgroups(machine.host(), machine.slices(), kMost);
  CHECK(ids(cgroups).empty());
  CHECK(cgroups.dropped() > 0);
  fs::remove_all(burst);
  ids(cgroups);
  CHECK(ids(cgroups) == std::vector<std::string>{"/late/x.slice"});
  CHECK(cgroups.dropped() == 0);
}

TEST_CASE("an engine's description is taken as it is, and no more of it than fits a label") {
  const auto plain = inspected(R"({"Id":")" + kId + R"(","State":{}})");
  CHECK(plain.id == kId);
  CHECK(plain.state.empty());
  CHECK(plain.health.empty());
  CHECK_FALSE(plain.started);
  const std::string pieces(400, 'x');
  const auto full = inspected(
      R"({"Id":")" + kId + R"(","Name":"/web","Created":"2026-01-02T03:04:05.25+01:00",)" +
          R"("RestartCount":2,"State":{"Status":"stopped","OOMKilled":true,"ExitCode":-1,)" +
          R"("StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"not a time",)" +
          R"("Health":{"Status":"none"}},"HostConfig":{"NetworkMode":"container:)" + kId +
          R"("},"GraphDriver":{"Data":{"UpperDir":"/l/1"}},"Config":{"Image":")" + pieces + pieces +
          R"(","Labels":{"a.b":")" + std::string(511, 'y') + "\u20ac" + R"("}}})",
      {"a.b", "absent"});
  CHECK(full.name == "web");
  CHECK(full.image == std::string(512, 'x'));
  CHECK(full.labels == std::vector<std::string>{std::string(511, 'y'), ""});
  CHECK(full.state == "exited");
  CHECK(full.health.empty());
  CHECK(full.created == 1767319445.25);
  CHECK_FALSE(full.started);
  CHECK_FALSE(full.finished);
  CHECK(full.restarts == 2);
  CHECK(full.exit_code == -1);
  CHECK(full.oom_killed);
  CHECK(full.joins_network);
  CHECK(full.upper_directory == "/l/1");
}

TEST_CASE("an engine's description that cannot be one is refused") {
  CHECK(inspect_error("{}") == "GET /x: Id: missing");
  CHECK(inspect_error(R"({"Id":"../../info"})") == "GET /x: Id: expected 64 hexadecimal digits");
  CHECK(inspect_error(R"({"Id":")" + kId + R"("})") == "GET /x: State: missing");
  CHECK(inspect_error(R"({"Id":")" + kId + R"(","State":{"ExitCode":"hunter2"}})") ==
        "GET /x: State.ExitCode: expected integer, got string");
}

TEST_CASE("out-of-memory kills are the most that anyone saw of each run") {
  Ooms ooms;
  ooms.begin(100);
  CHECK(ooms.total() == 0);
  ooms.cgroup(2);
  ooms.event();
  CHECK(ooms.total() == 2);
  ooms.event();
  ooms.event();
  ooms.flag();
  CHECK(ooms.total() == 3);
  ooms.begin(100);
  CHECK(ooms.total() == 3);
  ooms.begin(200);
  CHECK(ooms.total() == 3);
  ooms.flag();
  ooms.flag();
  ooms.cgroup(0);
  CHECK(ooms.total() == 4);
}

TEST_CASE("a group that did not run is not read again, but for what changes without it") {
  const TemporaryDirectory directory;
  const auto write = [&](const std::string& file, const std::string& text) {
    std::ofstream(directory.path() / file) << text;
  };
  write("cpu.stat", "usage_usec 1000000\nuser_usec 600000\nsystem_usec 400000\n");
  write("memory.current", "5000\n");
  write("memory.stat", "anon 100\ninactive_file 1000\n");
  write("pids.current", "4\n");
  write("io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n");
  write("io.pressure", "some total=1000000\n");
  const auto hierarchies = unified_at(directory.path());
  Problems problems;
  UsageReader reader(hierarchies, Files(directory.path(), Files::Tree::proc), problems);
  Known known;
  const std::string group = "/.";
  auto now = Clock::now();
  reader.know(group, known);
  CHECK(reader.usage(group, known, now));
  CHECK_FALSE(reader.usage(group, known, now));

  const auto& usage = known.usage;
  write("memory.stat", "anon 200\ninactive_file 2000\n");
  write("pids.current", "5\n");
  write("io.stat", "8:0 rbytes=1 wbytes=20 rios=3 wios=5\n");
  write("io.pressure", "some total=2000000\n");
  CHECK_FALSE(reader.usage(group, known, now));
  CHECK(usage.rss == 100);
  CHECK(usage.working_set == 4000);
  CHECK(usage.tasks == 4);
  CHECK(usage.devices.at(0).written_bytes == 20);
  CHECK(usage.io_waiting == 2);

  SECTION("until it runs") {
    write("cpu.stat", "usage_usec 1000001\nuser_usec 600001\nsystem_usec 400000\n");
    CHECK(reader.usage(group, known, now));
    CHECK(usage.cpu == 1.000001);
  }
  SECTION("until its memory is taken away") {
    write("memory.current", "6000\n");
    CHECK(reader.usage(group, known, now));
    CHECK(usage.memory == 6000);
  }
  SECTION("until the time has come to look at everything") {
    now += std::chrono::minutes(5);
    CHECK(reader.usage(group, known, now));
  }
  CHECK(usage.rss == 200);
  CHECK(usage.tasks == 5);
  CHECK_FALSE(reader.usage(group, known, now));
  CHECK(problems.count == 0);
}

TEST_CASE("a file that cannot be understood costs its values alone, and is named") {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "cpu.stat") << "usage_usec 1000000\nuser_usec many\n";
  std::ofstream(directory.path() / "memory.current") << "5000\n";
  std::ofstream(directory.path() / "pids.current") << "\n";
  const auto hierarchies = unified_at(directory.path());
  Problems problems;
  UsageReader reader(hierarchies, Files(directory.path(), Files::Tree::proc), problems);
  Known known;
  reader.know("/.", known);
  reader.usage("/.", known);
  CHECK(known.usage.cpu == 1);
  CHECK_FALSE(known.usage.cpu_user);
  CHECK(known.usage.memory == 5000);
  CHECK_FALSE(known.usage.tasks);
  CHECK(problems.count == 2);
  CHECK(problems.first == (directory.path() / "./cpu.stat:2: expected a number"));
}
