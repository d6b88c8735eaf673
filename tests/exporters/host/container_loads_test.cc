#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "exporters/host/collectors.h"
#include "exporters/host/container/loads.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace std::chrono_literals;
using container::Loads;

namespace {

/// A machine whose tasks are in the states that a test sets.
class Machine {
 public:
  Loads loads() {
    return Loads({settings_, directory_.path() / "proc", "/", "/", "/", upstreams()});
  }
  void task(const std::string& number, const std::string& stat) {
    const auto directory = "proc/" + number + "/task/" + number;
    std::filesystem::create_directories(directory_.path() / directory);
    directory_.write(directory + "/stat", stat);
  }
  std::string list(const std::string& name, const std::string& text) {
    return directory_.write(name, text);
  }

 private:
  TemporaryDirectory directory_;
  Settings settings_{kContainer.flags, {}, nullptr};
};

}  // namespace

TEST_CASE("the load of a container is its running tasks, smoothed over ten seconds") {
  Machine machine;
  machine.task("11", "11 (sh) R 1 11 11\n");
  machine.task("12", "12 (a) S (b) R 1 12 12\n");
  machine.task("13", "13 (x) R (y) S 1 13 13\n");
  machine.task("14", "14 (disk) D 1 14 14\n");
  auto loads = machine.loads();
  const std::vector<Loads::Watched> containers = {
      {"/docker/a", {machine.list("a", "11\n13\n14\n"), machine.list("within", "12\n0\n99\n")}},
      {"/docker/b", {machine.list("b", "13\n")}}};
  CHECK_FALSE(loads.of("/docker/a"));
  loads.sample(containers, 5s);
  CHECK(loads.of("/docker/a") == 2000);
  CHECK(loads.of("/docker/b") == 0);

  machine.task("12", "12 (a) S (b) S 1 12 12\n");
  machine.task("13", "13 (x) R (y) R 1 13 13\n");
  loads.sample(containers, 5s);
  const double decay = std::exp(-0.5);
  CHECK(loads.of("/docker/a").value() == Approx(2000));
  CHECK(loads.of("/docker/b").value() == Approx(1000 * (1 - decay)));
  machine.task("11", "11 (sh) S 1 11 11\n");
  machine.task("13", "13 (x) R (y) S 1 13 13\n");
  loads.sample(containers, 10s);
  CHECK(loads.of("/docker/a").value() == Approx(2000 * std::exp(-1)));
  loads.sample({containers[1]}, 5s);
  CHECK_FALSE(loads.of("/docker/a"));
}

TEST_CASE("of too many tasks none are counted, rather than some") {
  Machine machine;
  std::string many;
  for (int task = 20'001; task <= 30'000; ++task) many += std::to_string(task) + '\n';
  machine.task("11", "11 (sh) R 1 11 11\n");
  const auto few = machine.list("few", "11\n"), most = machine.list("most", many);
  auto loads = machine.loads();
  loads.sample({{"/docker/a", {few}}, {"/docker/b", {most}}, {"/docker/c", {few}}}, 5s);
  CHECK(loads.of("/docker/a") == 1000);
  CHECK_FALSE(loads.of("/docker/b"));
  CHECK_FALSE(loads.of("/docker/c"));
  loads.sample({{"/docker/b", {most}}}, 5s);
  CHECK(loads.of("/docker/b") == 0);
}

TEST_CASE("a thread that works is seen at work, by a thread of its own") {
  const Settings settings(kContainer.flags, {}, nullptr);
  const TemporaryDirectory directory;
  std::atomic<pid_t> task = 0;
  std::jthread busy([&](const std::stop_token& stop) {
    task = ::gettid();
    while (!stop.stop_requested()) {
    }
  });
  while (task == 0) std::this_thread::yield();
  Loads loads({settings, "/proc", "/sys", "/", "/", upstreams()});
  loads.watch({{"/docker/a", {directory.write("a", std::to_string(task) + '\n')}}});
  for (const auto end = Clock::now() + 20s; !loads.of("/docker/a") && Clock::now() < end;) {
    std::this_thread::yield();
  }
  CHECK(loads.of("/docker/a") == 1000);
}
