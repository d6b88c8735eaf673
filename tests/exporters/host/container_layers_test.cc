#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "exporters/host/collectors.h"
#include "exporters/host/container/layers.h"
#include "exporters/host/container/page.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace exporter::host::container;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kHostTable =
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
    "30 22 254:2 / /var/lib/dock rw - ext4 /dev/vda2 rw\n"
    "31 22 254:3 / /var/lib/docker rw - xfs /dev/vda3 rw\n"
    "32 22 0:50 / /srv rw - btrfs /dev/vdb rw,subvol=/\n"
    "33 22 254:4 / /data rw - ext4 /dev/vda4 rw\n"
    "34 22 254:5 / /data rw - ext4 /dev/vda5 rw\n"
    "40 31 0:60 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw,upperdir=/x\n";

/// A machine with these mounts, whose processes have the roots that a test sets.
class Machine {
 public:
  explicit Machine(std::string_view table = kHostTable, const std::string& owner = "1",
                   std::string rootfs = "/")
      : rootfs_(std::move(rootfs)) {
    mounts(owner, table);
  }
  void mounts(const std::string& pid, std::string_view table) {
    std::filesystem::create_directories(directory_.path() / pid);
    directory_.write(pid + "/mountinfo", table);
  }
  /// Makes this directory, and so its file system, the root of the process.
  void root(const std::string& pid, const std::string& real) {
    const auto link = directory_.path() / pid / "root";
    std::filesystem::remove(link);
    std::filesystem::create_symlink(real, link);
  }
  Layers layers(MountStatter::StatFunction stat = MountStatter::system_stat) {
    return Layers({settings_, directory_.path(), "/", rootfs_, "/", upstreams()},
                  std::make_unique<MountStatter>(4, std::move(stat)));
  }

 private:
  TemporaryDirectory directory_;
  std::string rootfs_;
  Settings settings_{kContainer.flags, {}, nullptr};
};

/// "device path" of the file system below this root; "none" if there is none.
std::string system_of(Machine& machine, const std::string& root) {
  machine.mounts("500", "900 899 0:70 / /proc rw - proc proc rw\n" + root +
                            "901 899 0:71 / /sys ro - sysfs sysfs ro\n");
  const auto found = machine.layers().of("500", "");
  return found ? found->device + ' ' + found->place.path : "none";
}

std::string overlay(const std::string& options) {
  return "899 800 0:60 / / rw,relatime - overlay overlay rw," + options + "\n";
}

int small_stat(const char* path, struct statfs& stat) {
  if (std::string_view(path) == "/data") return EIO;
  stat.f_bsize = 4096;
  stat.f_frsize = 512;
  stat.f_blocks = 1000;
  stat.f_files = 90;
  stat.f_ffree = 70;
  return 0;
}

}  // namespace

TEST_CASE("a container's layer lies on the file system of its upper directory") {
  Machine machine;
  CHECK(system_of(machine, overlay("lowerdir=l/A:l/B,upperdir=/var/lib/docker/overlay2/1/diff")) ==
        "/dev/vda3 /var/lib/docker");
  CHECK(system_of(machine, overlay("upperdir=/var/lib/dockers/1,workdir=/data/x")) ==
        "/dev/vda1 /");
  CHECK(system_of(machine, overlay("upperdir=/data/my\\040\\054layers/diff")) == "/dev/vda5 /data");
  CHECK(system_of(machine, overlay("upperdir=/data")) == "/dev/vda5 /data");
  CHECK(system_of(machine, overlay("lowerdir=/a:/b")) == "none");
  CHECK(system_of(machine, overlay("upperdir=1/diff")) == "none");
  INFO("the last mount of a root is the one on top");
  CHECK(system_of(machine, overlay("upperdir=/data/1") + overlay("upperdir=/var/lib/dock/1")) ==
        "/dev/vda2 /var/lib/dock");
}

TEST_CASE("an engine's word for the upper directory is enough") {
  Machine machine;
  machine.mounts("500", overlay("upperdir=1/diff"));
  CHECK(machine.layers().of("500", "/data/1")->device == "/dev/vda5");
  CHECK(machine.layers().of("", "/var/lib/docker/1")->device == "/dev/vda3");
}

TEST_CASE("a root that is no overlay is the file system itself, if the host has it") {
  Machine machine;
  CHECK(system_of(machine, "899 800 0:50 /subvolumes/1 / rw - btrfs /dev/vdb rw,subvol=/1\n") ==
        "/dev/vdb /srv");
  CHECK(system_of(machine, "899 800 254:1 /vfs/dir/1 / rw - ext4 /dev/vda1 rw\n") == "/dev/vda1 /");
  CHECK(system_of(machine, "899 800 0:99 / / rw - fuse.fuse-overlayfs fuse rw\n") == "none");
  CHECK(system_of(machine, "") == "none");
  CHECK(machine.layers().of("501", "") == nullptr);
}

TEST_CASE("mounts that are seen through another root are asked there") {
  Machine machine(
      "22 1 254:1 / / rw - overlay overlay rw,upperdir=/u\n"
      "23 22 254:1 / /host rw - ext4 /dev/vda1 rw\n"
      "24 23 254:3 / /host/var/lib/docker rw - xfs /dev/vda3 rw\n",
      "self", "/host");
  CHECK(system_of(machine, overlay("upperdir=/var/lib/docker/1")) ==
        "/dev/vda3 /host/var/lib/docker");
  CHECK(system_of(machine, overlay("upperdir=/srv/1")) == "/dev/vda1 /host/");
}

TEST_CASE("a file system is asked once a minute, however many containers lie on it") {
  Machine machine;
  machine.mounts("500", overlay("upperdir=/var/lib/docker/1"));
  machine.mounts("501", overlay("upperdir=/var/lib/docker/2"));
  machine.mounts("502", overlay("upperdir=/data/1"));
  std::atomic<int> asked = 0;
  auto layers = machine.layers([&](const char* path, struct statfs& stat) {
    ++asked;
    return small_stat(path, stat);
  });
  const auto first = layers.of("500", ""), second = layers.of("501", ""),
             broken = layers.of("502", "");
  CHECK(first == second);
  for (int run = 0; run < 3; ++run) layers.ask(Deadline::in(20s));
  CHECK(asked == 2);
  REQUIRE(first->stat);
  CHECK(first->stat->size_bytes == 512000);
  CHECK(broken->device == "/dev/vda5");
  CHECK_FALSE(broken->stat);
  CHECK(layers.of("500", "") == first);
  layers.ask(Deadline::in(20s));

  INFO("another file system mounted in its place is another one");
  auto table = std::string(kHostTable);
  table.replace(table.find("xfs /dev/vda3"), 13, "xfs /dev/vdc1");
  machine.mounts("1", table);
  const auto other = layers.of("500", "");
  CHECK(other->device == "/dev/vdc1");
  layers.ask(Deadline::in(20s));
  CHECK(asked == 3);
  CHECK(other->stat->files == 90);
}

TEST_CASE("the mounts of a process are looked at again when another one is at its root") {
  Machine machine;
  machine.mounts("500", overlay("upperdir=/data/1"));
  machine.root("500", ".");
  auto layers = machine.layers();
  Layer layer;
  const auto device = [&](std::string_view upper_directory = "") {
    layers.update(layer, "500", upper_directory);
    return layer.system->device;
  };
  CHECK(device() == "/dev/vda5");
  if (!layer.root) {
    WARN("this kernel does not number mounts");
    return;
  }
  machine.mounts("500", overlay("upperdir=/var/lib/docker/1"));
  CHECK(device() == "/dev/vda5");
  machine.root("500", "/proc");
  CHECK(device() == "/dev/vda3");
  INFO("an engine's word is believed at once");
  CHECK(device("/data/1") == "/dev/vda5");
  CHECK(device() == "/dev/vda3");
}

TEST_CASE("a file system that does not answer is waited for once, and not for long") {
  Machine machine;
  machine.mounts("500", overlay("upperdir=/var/lib/docker/1"));
  std::promise<void> freed;
  auto layers = machine.layers([until = freed.get_future().share()](const char*, struct statfs&) {
    until.wait();
    return 0;
  });
  const auto found = layers.of("500", "");
  const auto begun = Clock::now();
  layers.ask(Deadline::in(20s));
  CHECK(Clock::now() - begun >= 400ms);
  CHECK(Clock::now() - begun < 10s);
  CHECK_FALSE(found->stat);
  layers.ask(Deadline::in(0s));
  CHECK_FALSE(found->stat);
  freed.set_value();
}

TEST_CASE("the page has a layer's file system; without inodes where it does not count them") {
  Samples samples;
  Page page(samples, "/docker/a", "web", "web:1");
  page.file_system({.device = "/dev/vda1",
                    .place = {1, "/"},
                    .stat = MountStat{.size_bytes = 1000, .files = 9, .files_free = 0}});
  page.file_system({.device = "/dev/vdb", .place = {2, "/"}, .stat = MountStat{.size_bytes = 5}});
  page.file_system({.device = "/dev/vdc", .place = {3, "/"}});
  std::string text;
  samples.render(Format::text, text);
  const std::string labels = R"({id="/docker/a",name="web",image="web:1",device="/dev/vd)";
  CHECK(text ==
        "# HELP container_fs_limit_bytes Size of the host's file system that holds the container's "
        "writable layer.\n"
        "# TYPE container_fs_limit_bytes gauge\n"
        "container_fs_limit_bytes" +
            labels +
            "a1\"} 1000\n"
            "container_fs_limit_bytes" +
            labels +
            "b\"} 5\n"
            "# HELP container_fs_inodes_total Inodes of that file system.\n"
            "# TYPE container_fs_inodes_total gauge\n"
            "container_fs_inodes_total" +
            labels +
            "a1\"} 9\n"
            "# HELP container_fs_inodes_free Inodes of that file system that are free.\n"
            "# TYPE container_fs_inodes_free gauge\n"
            "container_fs_inodes_free" +
            labels + "a1\"} 0\n");
}
