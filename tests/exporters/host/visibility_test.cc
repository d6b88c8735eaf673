#include "exporters/host/visibility.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;

namespace {

std::vector<std::string> spots_of(const std::string& root, const std::string& rootfs) {
  const Settings settings({}, {}, nullptr);
  auto found =
      blind_spots({settings, root + "/proc", root + "/sys", rootfs, root + "/udev", upstreams()});
  // Depends on whether this test runs in a container.
  std::erase_if(found, [](const std::string& spot) { return spot.starts_with("node_uname_info"); });
  return found;
}

}  // namespace

TEST_CASE("what is not there is named, with the flag that says where it is") {
  CHECK(spots_of("/nonexistent", "/nonexistent") ==
        std::vector<std::string>{
            "/nonexistent/proc is not a procfs: almost nothing can be shown (--path.procfs)",
            "/nonexistent/sys is not a sysfs: no devices are shown (--path.sysfs)",
            "the host's network cannot be read at /nonexistent/proc/self/net/dev",
            "models and serial numbers of disks are not shown: /nonexistent/udev cannot be read "
            "(--path.udev.data)"});
}

TEST_CASE("a host's trees without its root are named, with it nothing is") {
  const TemporaryDirectory directory;
  const std::string root = directory.path();
  for (const auto* path : {"/proc/1/net", "/sys/class", "/udev"}) {
    std::filesystem::create_directories(root + path);
  }
  std::ofstream(root + "/proc/stat") << "btime 1\n";
  std::ofstream(root + "/proc/1/net/dev") << "";
  CHECK(spots_of(root, root).empty());
  CHECK(spots_of(root, "/") ==
        std::vector<std::string>{"the host's file systems cannot be measured: mount its root and "
                                 "name it with --path.rootfs"});
}
