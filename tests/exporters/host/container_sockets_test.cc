#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "exporters/host/collectors.h"
#include "exporters/host/container/options.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/exporters/host/fake_engine.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace std::chrono_literals;

namespace {

using Flags = std::map<std::string, std::vector<std::string>>;

container::Options options(const Flags& flags) {
  return container::read_options(Settings(kContainer.flags, flags, nullptr));
}

Flags sockets(std::vector<std::string> paths) {
  return {{"collector.container.socket", std::move(paths)}};
}

/// A collector on a machine without control groups.
class Collected {
 public:
  Collected(const std::string& rootfs, const Flags& flags)
      : settings_(kContainer.flags, flags, nullptr),
        collect_(collect_of(kContainer, {settings_, "/nonexistent/proc", "/nonexistent/sys", rootfs,
                                         "/nonexistent/udev", upstreams()})) {}

  /// The lines about engines.
  std::string engines() {
    Samples samples;
    collect_(samples, Deadline::at(Clock::now() + 20s));
    std::string page;
    samples.render(Format::text, page);
    const auto begin = page.find("\ncontainer_engine_up{");
    if (begin == page.npos) return "";
    const auto end = page.find("\n#", begin);
    return page.substr(begin + 1, end == page.npos ? end : end - begin);
  }

 private:
  Settings settings_;
  CollectFunction collect_;
};

/// Removes root's privileges from this thread until destruction.
class Unprivileged {
 public:
  Unprivileged() : was_root_(::geteuid() == 0) { become(65534); }
  ~Unprivileged() { become(0); }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  /// Unlike seteuid(), affects only this thread.
  void become(uid_t user) const {
    if (was_root_) CHECK(::syscall(SYS_setreuid, -1, user) == 0);
  }
  bool was_root_;
};

/// A directory with an engine on run/docker.sock.
struct Machine {
  Machine() { fake.set('a', {}); }

  std::filesystem::path make_directory() const {
    std::filesystem::create_directory(directory.path() / "run");
    return directory.path() / "run/docker.sock";
  }

  TemporaryDirectory directory;
  std::filesystem::path socket = make_directory();
  FakeEngine fake{socket};
};

constexpr auto kDefaultUp = "container_engine_up{engine=\"/run/docker.sock\"} 1\n";

}  // namespace

TEST_CASE("sockets are absolute paths, each once") {
  CHECK(options({}).sockets ==
        std::vector<std::string>{"/run/docker.sock", "/run/podman/podman.sock"});
  CHECK(options(sockets({""})).sockets.empty());
  CHECK(options(sockets({"/a.sock", "unix:///b.sock"})).sockets ==
        std::vector<std::string>{"/a.sock", "/b.sock"});
  const auto refused = [](std::vector<std::string> paths) {
    return error_of(Reason::config, [&] { options(sockets(std::move(paths))); });
  };
  CHECK(refused({"tcp://127.0.0.1:2375"}) ==
        "--collector.container.socket: expected /PATH or unix:///PATH: tcp://127.0.0.1:2375");
  CHECK(refused({"docker.sock"}) ==
        "--collector.container.socket: expected /PATH or unix:///PATH: docker.sock");
  CHECK(refused({"unix://docker.sock"}) ==
        "--collector.container.socket: expected /PATH or unix:///PATH: docker.sock");
  CHECK(refused({"/a.sock", "unix:///a.sock"}) ==
        "--collector.container.socket: duplicate: /a.sock");
}

TEST_CASE("a limit of 0 is none") {
  CHECK(options({}).limit == 1000);
  CHECK(options({{"collector.container.limit", {"0"}}}).limit ==
        std::numeric_limits<std::size_t>::max());
}

TEST_CASE("default sockets are below the host's root, named ones where they are named") {
  const Machine machine;
  const auto root = machine.directory.path().string();
  CHECK(Collected(root, {}).engines() == kDefaultUp);
  CHECK(Collected("/nonexistent", {}).engines().empty());
  const auto named = "container_engine_up{engine=\"" + machine.socket.string() + "\"} ";
  CHECK(Collected("/nonexistent", sockets({machine.socket})).engines() == named + "1\n");
  CHECK(Collected(root, sockets({"/run/nonexistent.sock"})).engines() ==
        "container_engine_up{engine=\"/run/nonexistent.sock\"} 0\n");
}

TEST_CASE("a default socket that may not be opened is no engine until it may be; a named one is") {
  const Machine machine;
  Collected by_default(machine.directory.path(), {});
  Collected by_name("/", sockets({machine.socket}));
  const auto named = "container_engine_up{engine=\"" + machine.socket.string() + "\"} ";
  std::filesystem::permissions(machine.socket, std::filesystem::perms::none);
  {
    const Unprivileged nobody;
    CHECK(by_default.engines().empty());
    CHECK(by_default.engines().empty());
    CHECK(by_name.engines() == named + "0\n");
  }
  std::filesystem::permissions(machine.socket, std::filesystem::perms::all);
  CHECK(by_default.engines() == kDefaultUp);
  CHECK(by_name.engines() == named + "1\n");
}
