// What the container collector caches between runs.

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "exporters/host/collectors.h"
#include "exporters/host/container/network.h"
#include "exporters/host/container/usage.h"
#include "tests/exporters/host/hierarchies.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace exporter::host::container;
using std::chrono::seconds;

namespace {

/// A process with its own network, whose loopback device is named eth0. It runs until it is killed.
class Isolated {
 public:
  Isolated() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      const char ready = isolate() ? 'y' : 'n';
      if (::write(ends[1], &ready, 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char ready = 'n';
    REQUIRE(::read(ends[0], &ready, 1) == 1);
    ::close(ends[0]);
    ::close(ends[1]);
    isolated_ = ready == 'y';
  }
  ~Isolated() { end(); }
  Isolated(const Isolated&) = delete;
  Isolated& operator=(const Isolated&) = delete;

  std::string pid() const { return std::to_string(child_); }
  /// False if that is not permitted.
  explicit operator bool() const { return isolated_; }

  void end() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  static bool isolate() {
    const int spaces = ::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
    if (::unshare(spaces) != 0) return false;
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::copy_n("lo", 3, request.ifr_name);
    std::copy_n("eth0", 5, request.ifr_newname);
    const bool named = ::ioctl(socket, SIOCSIFNAME, &request) == 0;
    ::close(socket);
    return named;
  }

  pid_t child_ = 0;
  bool isolated_ = false;
};

/// A control group of cgroup v2 in a temporary directory.
class FakeGroup {
 public:
  FakeGroup() {
    hierarchies_ = unified_at(directory_.path());
    std::filesystem::create_directory(directory_.path() / "demo");
    directory_.write("demo/memory.current", "4096\n");
    processor_time(1);
    io_pressure(0);
  }

  void processor_time(int microseconds) {
    directory_.write("demo/cpu.stat", "usage_usec " + std::to_string(microseconds) + '\n');
  }
  void io_pressure(int microseconds) {
    directory_.write("demo/io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=" +
                                             std::to_string(microseconds) + '\n');
  }
  void know() { reader_.know("/demo", known_); }
  /// The time of waiting for I/O that is shown by a run after that many seconds, in microseconds.
  double waited(int after) {
    reader_.usage("/demo", known_, Clock::time_point{} + seconds(1000 + after));
    return known_.usage.io_waiting.value() * 1e6;
  }

 private:
  TemporaryDirectory directory_;
  Hierarchies hierarchies_;
  Problems problems_;
  UsageReader reader_{hierarchies_, Files(directory_.path(), Files::Tree::proc), problems_};
  Known known_;
};

}  // namespace

TEST_CASE("a network is read from where it was found, and nothing of that keeps it") {
  Isolated isolated;
  if (!isolated) {
    WARN("no network of one's own here");
    return;
  }
  const Settings settings(kContainer.flags, {}, nullptr);
  Network network(Host{settings, "/proc", "/sys", "/", "/", upstreams()});
  const auto found = network.namespace_of(isolated.pid());
  REQUIRE(found);
  CHECK_FALSE(network.is_hosts(*found));
  CHECK(*found == network.namespace_of(isolated.pid()));

  const std::string nobody = "0";
  const auto names = [&] {
    std::vector<std::string> all;
    for (const auto& interface : network.interfaces(nobody, *found)) all.push_back(interface.name);
    return all;
  };
  REQUIRE(found->file);
  CHECK(names() == std::vector<std::string>{"eth0"});
  isolated.end();
  const auto give_up = Clock::now() + seconds(20);
  while (!names().empty() && Clock::now() < give_up) std::this_thread::yield();
  CHECK(names().empty());
  CHECK_FALSE(network.namespace_of(isolated.pid()));
}

TEST_CASE("a network whose file is not kept is read by its process") {
  const Isolated isolated;
  if (!isolated) return;
  const Settings settings(kContainer.flags, {}, nullptr);
  Network network(Host{settings, "/proc", "/sys", "/", "/", upstreams()});
  auto found = network.namespace_of(isolated.pid());
  REQUIRE(found);
  found->file.reset();
  const auto interfaces = network.interfaces(isolated.pid(), *found);
  REQUIRE(interfaces.size() == 1);
  CHECK(interfaces.front().name == "eth0");
}

TEST_CASE("a pressure is not read again once it has stood still while nothing ran") {
  FakeGroup group;
  group.know();
  CHECK(group.waited(0) == 0);
  group.io_pressure(100);
  CHECK(group.waited(1) == 100);
  group.io_pressure(200);
  INFO("the kernel adds up every two seconds: standing still for one says nothing");
  CHECK(group.waited(2) == 200);
  CHECK(group.waited(3) == 200);
  group.io_pressure(300);
  CHECK(group.waited(20) == 300);
  CHECK(group.waited(26) == 300);
  group.io_pressure(400);
  CHECK(group.waited(27) == 300);

  INFO("it ran");
  group.processor_time(2);
  CHECK(group.waited(28) == 400);
  group.io_pressure(500);
  CHECK(group.waited(29) == 500);
  CHECK(group.waited(40) == 500);

  INFO("after five minutes all is read");
  group.io_pressure(600);
  CHECK(group.waited(327) == 500);
  CHECK(group.waited(328) == 600);
}
