// A log whose reader stalls, goes away or comes back. Every wait is for something that happens.

#include "common/base/line_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/text.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kLong = 60s;  // not reached unless the test fails

std::string notice(std::uint64_t dropped) { return "dropped " + std::to_string(dropped) + '\n'; }

/// A pipe or a pair of sockets: what is written at one end and read at the other.
class Channel {
 public:
  explicit Channel(bool is_socket) {
    REQUIRE((is_socket ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data())
                       : ::pipe(ends_.data())) == 0);
    if (is_socket) std::swap(ends_[0], ends_[1]);
  }
  ~Channel() {
    close_reader();
    close_writer();
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  int writer() const { return ends_[1]; }
  void close_writer() { close(ends_[1]); }
  void close_reader() { close(ends_[0]); }

  /// Writes until the buffer is full. Returns the number of bytes written.
  std::size_t fill() {
    REQUIRE(::fcntl(writer(), F_SETFL, O_NONBLOCK) == 0);
    const std::string filling(4096, 'f');
    std::size_t filled = 0;
    for (;;) {
      const auto count = ::write(writer(), filling.data(), filling.size());
      if (count < 0) break;
      filled += static_cast<std::size_t>(count);
    }
    REQUIRE(::fcntl(writer(), F_SETFL, 0) == 0);
    return filled;
  }

  /// Reads until there are `enough` bytes or the writer's end is closed.
  template <class Enough>
  std::string read_until(Enough enough) {
    std::string all;
    std::array<char, 65536> buffer;
    while (!enough(all)) {
      const auto count = ::read(ends_[0], buffer.data(), buffer.size());
      if (count <= 0) break;
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }
  std::string read_all() {
    return read_until([](const std::string&) { return false; });
  }

 private:
  static void close(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) lines.emplace_back(next_part(text, '\n'));
  return lines;
}

/// Runs it on a thread. Returns whether it ended in time; if not, the thread is abandoned.
template <class Function>
bool ends(Function function) {
  auto promise = std::make_shared<std::promise<void>>();
  auto done = promise->get_future();
  std::thread([function, promise] {
    function();
    promise->set_value();
  }).detach();
  return done.wait_for(kLong) == std::future_status::ready;
}

}  // namespace

TEST_CASE("a line is written before write() returns, as long as somebody reads") {
  for (const bool is_socket : {false, true}) {
    Channel channel(is_socket);
    LineWriter writer(channel.writer(), &notice);
    for (int i = 0; i < 500; ++i) {
      const auto line = std::to_string(i) + '\n';
      writer.write(line);
      CHECK(writer.flush(Clock::time_point::min()));  // nothing waits
      const auto is_whole = [](const std::string& all) { return all.ends_with('\n'); };
      REQUIRE(channel.read_until(is_whole) == line);
    }
    CHECK(writer.dropped() == 0);
  }
}

TEST_CASE("a reader that stalls holds up nobody, and learns how many lines it missed") {
  constexpr int kLines = 100'000;
  for (const bool is_socket : {false, true}) {
    CAPTURE(is_socket);
    Channel channel(is_socket);
    const auto filled = channel.fill();
    LineWriter writer(channel.writer(), &notice);
    const std::string filler(90, 'x');
    REQUIRE(ends([&writer, filler] {
      for (int i = 0; i < kLines; ++i) writer.write(std::to_string(i) + ' ' + filler + '\n');
    }));
    CHECK_FALSE(writer.flush(Clock::now()));
    const auto dropped = writer.dropped();
    CHECK(dropped > 0);

    // The first lines come whole and in order, then the notice of dropped ones, then the rest.
    const auto said = "\n" + notice(dropped);
    const auto text = channel.read_until(
        [&](const std::string& all) { return all.find(said) != std::string::npos; });
    REQUIRE(writer.flush(Clock::now() + kLong));
    writer.write("later\n");
    channel.close_writer();
    const auto lines = lines_of((text + channel.read_all()).substr(filled));
    const auto kept = static_cast<std::size_t>(kLines) - dropped;
    REQUIRE(lines.size() == kept + 2);
    for (std::size_t i = 0; i < kept; ++i) {
      if (lines[i] == std::to_string(i) + ' ' + filler) continue;
      FAIL_CHECK("line " << i << " is " << lines[i]);
      break;
    }
    CHECK(lines[kept] + '\n' == notice(dropped));
    CHECK(lines.back() == "later");
  }
}

TEST_CASE("a line that a pipe cannot take at once is written whole") {
  Channel channel(false);
  LineWriter writer(channel.writer(), &notice);
  const std::string large(300'000, 'x');
  REQUIRE(ends([&] {
    writer.write(large + '\n');
    writer.write("after\n");
  }));
  const auto text =
      channel.read_until([](const std::string& all) { return all.ends_with("after\n"); });
  CHECK(lines_of(text) == std::vector{large, std::string("after")});
  CHECK(writer.flush(Clock::now() + kLong));
}

TEST_CASE("a descriptor that does not block is waited for all the same") {
  Channel channel(false);
  REQUIRE(::fcntl(channel.writer(), F_SETFL, O_NONBLOCK) == 0);
  LineWriter writer(channel.writer(), &notice);
  const std::string line(1000, 'x');
  for (int i = 0; i < 500; ++i) writer.write(line + '\n');
  const auto text =
      channel.read_until([](const std::string& all) { return all.size() >= 500'500; });
  CHECK(lines_of(text) == std::vector(500, line));
  CHECK(writer.dropped() == 0);
}

TEST_CASE("lines of several threads stay whole and each thread's in order") {
  constexpr int kThreads = 8, kLines = 2000;
  Channel channel(false);
  LineWriter writer(channel.writer(), &notice);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&writer, t] {
      for (int i = 0; i < kLines; ++i) {
        writer.write(std::to_string(t) + ' ' + std::to_string(i) + '\n');
      }
    });
  }
  auto reading = std::async(std::launch::async, [&] { return channel.read_all(); });
  for (auto& thread : threads) thread.join();
  CHECK(writer.flush(Clock::now() + kLong));
  channel.close_writer();
  CHECK(writer.dropped() == 0);
  std::array<int, kThreads> next{};
  for (const auto& line : lines_of(reading.get())) {
    std::string_view rest = line;
    const auto thread = parse_number<std::size_t>(next_word(rest)).value();
    REQUIRE(parse_number<int>(next_word(rest)) == next.at(thread)++);
  }
  CHECK(std::ranges::all_of(next, [](int count) { return count == kLines; }));
}

TEST_CASE("a reader that is gone costs the lines and nothing else") {
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  Channel channel(false);
  channel.close_reader();
  LineWriter writer(channel.writer(), &notice);
  for (int i = 0; i < 10; ++i) writer.write("lost\n");
  CHECK(writer.flush(Clock::now() + kLong));
  CHECK(writer.dropped() == 10);
  std::signal(SIGPIPE, before);
}

TEST_CASE("a file is written before write() returns") {
  const int file = ::memfd_create("log", MFD_CLOEXEC);
  REQUIRE(file >= 0);
  LineWriter writer(file, &notice);
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    expected += std::to_string(i) + '\n';
    writer.write(std::to_string(i) + '\n');
  }
  CHECK(writer.flush(Clock::now() + kLong));
  std::string found(expected.size() + 1, '\0');
  found.resize(static_cast<std::size_t>(::pread(file, found.data(), found.size(), 0)));
  CHECK(found == expected);
  CHECK(writer.dropped() == 0);
  ::close(file);
}

TEST_CASE("a file system that hangs holds up nobody, and what was logged comes when it is back") {
  // As a file does, this lets poll(2) say that there is room and then waits in write(2): for the
  // counter to be read, to which the eight bytes of a line cannot be added.
  const int hanging = ::eventfd(0, EFD_CLOEXEC);
  std::uint64_t counter = UINT64_MAX - 2;
  REQUIRE(::write(hanging, &counter, sizeof counter) == sizeof counter);
  auto writer = std::make_shared<LineWriter>(hanging, &notice);
  CHECK(ends([writer] {
    for (int i = 0; i < 1000; ++i) writer->write("a line.\n");
  }));
  CHECK_FALSE(writer->flush(Clock::now()));
  const auto end = Clock::now() + kLong;
  while (!writer->flush(Clock::now() + 1ms) && Clock::now() < end) {
    pollfd readable{hanging, POLLIN, 0};
    if (::poll(&readable, 1, 0) == 1) {
      REQUIRE(::read(hanging, &counter, sizeof counter) == sizeof counter);
    }
  }
  CHECK(writer->flush(Clock::now()));
  CHECK(writer->dropped() == 0);
  ::close(hanging);
}

TEST_CASE("a terminal that nobody reads holds up nobody, and shows what was logged later") {
  constexpr int kLines = 2000;
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE((screen >= 0 && ::grantpt(screen) == 0 && ::unlockpt(screen) == 0));
  const int terminal = ::open(::ptsname(screen), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(terminal >= 0);
  auto writer = std::make_shared<LineWriter>(terminal, &notice);
  const std::string line(200, 'x');
  REQUIRE(ends([writer, line] {
    for (int i = 0; i < kLines; ++i) writer->write(line + '\n');
  }));
  CHECK_FALSE(writer->flush(Clock::now()));
  std::string text;
  std::array<char, 65536> buffer;
  while (std::ranges::count(text, '\n') < kLines) {
    const auto count = ::read(screen, buffer.data(), buffer.size());
    REQUIRE(count > 0);
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  CHECK(lines_of(text) == std::vector(kLines, line + '\r'));
  CHECK(writer->flush(Clock::now() + kLong));
  CHECK(writer->dropped() == 0);
  ::close(terminal);
  ::close(screen);
}
