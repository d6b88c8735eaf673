#include "exporters/host/files.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <thread>

using namespace exporter::host;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// The n-th of many names of one file, /proc/uptime.
std::string name(std::size_t n) {
  std::string path;
  for (std::size_t i = 0; i < n / 64; ++i) path += "sys/../";
  for (std::size_t i = 0; i < n % 64; ++i) path += "./";
  return path + "uptime";
}

std::size_t open_files() {
  std::size_t count = 0;
  for (const auto& descriptor : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (fs::read_symlink(descriptor, gone) == "/proc/uptime") ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("descriptors stay open up to a bound, and then those last asked for") {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const auto bound = std::min<std::size_t>(limit.rlim_cur, 65536) / 16;
  Files files("/proc", Files::Tree::proc);
  for (std::size_t n = 0; n < bound + 100; ++n) REQUIRE(files.read(name(n)));
  CHECK(open_files() == bound);

  const std::size_t few = 10;
  for (std::size_t n = 0; n < 5 * bound; ++n) REQUIRE(files.read(name(bound + n % few)));
  CHECK(open_files() == few);
}

TEST_CASE("descriptors of files that are no longer read are closed as others are opened later") {
  constexpr std::size_t kLasting = 20, kRuns = 20, kNew = 5;
  Files files("/proc", Files::Tree::proc, 10ms);
  for (std::size_t run = 0; run < kRuns; ++run) {
    for (std::size_t n = 0; n < kLasting; ++n) REQUIRE(files.read(name(n)));
    for (std::size_t n = 0; n < kNew; ++n) REQUIRE(files.read(name(kLasting + run * kNew + n)));
    std::this_thread::sleep_for(15ms);
  }
  CHECK(open_files() <= kLasting + 3 * kNew);
}
