#include "common/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "common/base/error.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMax = 1000;
constexpr auto kLong = 60s;  // not reached unless the test fails

std::string read(const std::string& path, Clock::duration patience = kLong) {
  return read_file_within(path, kMax, patience);
}

std::string read_error(const std::string& path, Clock::duration patience = kLong) {
  return error_of(Reason::io, [&] { read(path, patience); });
}

bool write(int fd, std::string_view text) {
  return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

TEST_CASE("a file is read whole, or as far as tells that it is too large") {
  const TemporaryDirectory directory;
  CHECK(read(directory.write("a", "text\n")) == "text\n");
  CHECK(read(directory.write("empty", "")).empty());
  CHECK(read(directory.write("full", std::string(kMax, 'x'))).size() == kMax);
  CHECK(read(directory.write("large", std::string(5 * kMax, 'x'))).size() == kMax + 1);
  CHECK(read("/dev/null").empty());
  CHECK(read("/dev/zero").size() == kMax + 1);
}

TEST_CASE("a file that cannot be read is named with the reason") {
  const TemporaryDirectory directory;
  const auto path = directory.path().string();
  CHECK(read_error(path + "/none") == path + "/none: No such file or directory");
  CHECK(read_error(path) == path + ": Is a directory");
}

TEST_CASE("a FIFO is read until its writer closes it") {
  const TemporaryDirectory directory;
  const auto path = (directory.path() / "fifo").string();
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::thread writer([&] {
    const int fd = ::open(path.c_str(), O_WRONLY);  // waits for the reader
    for (const std::string_view part : {"a: 1\n", "b: 2\n"}) {
      if (!write(fd, part)) break;
      std::this_thread::yield();
    }
    ::close(fd);
  });
  CHECK(read(path) == "a: 1\nb: 2\n");
  writer.join();
}

TEST_CASE("a FIFO that nobody writes, or not to its end, is given up") {
  const TemporaryDirectory directory;
  const auto path = (directory.path() / "fifo").string();
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto error = path + ": its writer did not finish in time";
  CHECK(read_error(path, 10ms) == error);
  const int writer = ::open(path.c_str(), O_RDWR);
  REQUIRE(write(writer, "a: 1\n"));
  CHECK(read_error(path, 10ms) == error);
  ::close(writer);
}

TEST_CASE("the pipe of a process substitution is read, also after its writer has ended, but once") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  REQUIRE(write(ends[1], "a: 1\n"));
  ::close(ends[1]);
  const auto path = "/dev/fd/" + std::to_string(ends[0]);
  CHECK(read(path) == "a: 1\n");
  CHECK(read_error(path) == path + ": an empty pipe");
  ::close(ends[0]);
}
