#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "common/base/descriptor.h"
#include "common/sql/database.h"
#include "common/sql/socket.h"
#include "test_paths.h"
#include "tests/common/runner_fixture.h"
#include "tests/common/sql_fixture.h"

using namespace exporter;
using namespace exporter::sql;
using namespace sql_fixture;
using runner_fixture::eventually;

namespace {

using Time = Clock::time_point;

double seconds_since(Time begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// A function of the driver that the driver manager has loaded.
template <class Function>
Function* of_driver(const char* name) {
  void* driver = ::dlopen(HANGING_DRIVER, RTLD_NOW);
  REQUIRE(driver != nullptr);
  return reinterpret_cast<Function*>(::dlsym(driver, name));
}

}  // namespace

TEST_CASE("an endless query is cancelled at its deadline, and its connection dropped") {
  File file;
  Database database(options(file));
  ask(database, "SELECT 1 AS a");
  const auto begin = Clock::now();
  CHECK(error_of(Reason::timeout, [&] { ask(database, kEndless, Deadline::in(300ms)); }) ==
        "the query did not end in time and was cancelled");
  CHECK(seconds_since(begin) >= .28);
  auto figures = database.figures();
  CHECK(figures.cut == 1);
  CHECK(figures.stuck == 0);
  CHECK(figures.idle == 0);
  CHECK(figures.failures == 1);
  CHECK(row(ask(database, "SELECT 1 AS a")) == "1 ");
  CHECK(database.figures().logins == 2);
}

TEST_CASE("a stop cancels a query at once") {
  File file;
  Database database(options(file));
  std::stop_source stop;
  std::atomic<bool> is_running = false;
  std::jthread stopper([&] {
    while (!is_running) std::this_thread::yield();
    stop.request_stop();
  });
  CHECK(error_of(Reason::cancelled, [&] {
          is_running = true;
          ask(database, kEndless, Deadline::in(600s, stop.get_token()));
        }) == "cancelled");
}

TEST_CASE("a deadline that has passed asks nothing") {
  File file;
  Database database(options(file));
  ask(database, "SELECT 1 AS a");
  error_of(Reason::timeout, [&] { ask(database, "SELECT 1 AS a", Deadline::in(0s)); });
  std::stop_source stop;
  stop.request_stop();
  error_of(Reason::cancelled,
           [&] { ask(database, "SELECT 1 AS a", Deadline::in(60s, stop.get_token())); });
  CHECK(database.figures().idle == 1);
  CHECK(database.figures().cut == 0);
}

TEST_CASE("requests are counted") {
  File file;
  Database database(options(file));
  const auto tally = std::make_shared<Deadline::Tally>(0);
  ask(database, "SELECT 1 AS a", Deadline::in(60s).counted_into(tally));
  const auto first = tally->load();
  CHECK(first >= 2);
  ask(database, "SELECT 1 AS a", Deadline::in(60s).counted_into(tally));
  CHECK(*tally == first + 1);
}

TEST_CASE("a driver that hangs and has no known socket keeps one thread, and nothing else") {
  const auto release = of_driver<void(bool)>("hanging_driver_release");
  const auto cancels = of_driver<int()>("hanging_driver_cancels");
  REQUIRE(release != nullptr);
  REQUIRE(cancels != nullptr);
  release(false);
  const int before = cancels();

  File file;
  Database good(options(file)), bad(options(std::string("Driver=") + HANGING_DRIVER));
  std::atomic<int> asked = 0, ended = 0;
  auto hung = runner_fixture::on_scrape("hung", [&](Samples&, const Deadline& deadline) {
    ++asked;
    try {
      ask(bad, "SELECT hang", deadline);
    } catch (const Error&) {
      ++ended;
      throw;
    }
  });
  hung.timeout = 500ms;
  const auto fine =
      runner_fixture::on_scrape("fine", [&](Samples& samples, const Deadline& deadline) {
        samples.add(runner_fixture::kRun, double(ask(good, "SELECT 1 AS a", deadline).rows()));
      });
  runner_fixture::Failures failures;
  Runner runner({hung, fine}, failures.options());
  const std::vector<std::size_t> both = {0, 1};

  for (int scrape = 0; scrape < 3; ++scrape) {
    const auto views = runner.collect(both, runner_fixture::soon());
    CHECK(views[0].status->reason == Reason::timeout);
    CHECK(runner_fixture::page(views[1]) == runner_fixture::kHeader + "demo_run 1\n");
  }
  REQUIRE(eventually([&] { return cancels() == before + 1; }));
  // Longer than all steps of the guard: there is no socket that it could shut down.
  std::this_thread::sleep_for(Guard::kGrace + 500ms);
  CHECK(ended == 0);
  CHECK(asked == 1);
  CHECK(bad.figures().cut == 0);
  for (int i = 0; i < 5; ++i) ask(good, "SELECT 1 AS a");

  release(true);
  REQUIRE(eventually([&] { return ended > 0; }));
  REQUIRE(eventually([&] { return bad.figures().cut == 1; }));
  CHECK(bad.figures().stuck == 0);
}

TEST_CASE("a cancel that hangs for good costs its connection's memory, and a query no time") {
  const auto release = of_driver<void(bool)>("hanging_driver_release");
  REQUIRE(release != nullptr);
  release(false);
  Database database(options(std::string("Driver=") + HANGING_DRIVER));
  const auto begin = Clock::now();
  error_of(Reason::timeout, [&] { ask(database, "SELECT cancel", Deadline::in(300ms)); });
  CHECK(seconds_since(begin) < .3 + 4);
  CHECK(database.figures().cut == 1);
  CHECK(database.figures().stuck == 1);
  CHECK(database.figures().idle == 0);
  release(true);
  error_of(Reason::query, [&] { ask(database, "SELECT 1 AS a"); });
}

TEST_CASE("the kernel asks after the peer of a connection that is kept") {
  const Descriptor server(::socket(AF_INET, SOCK_STREAM, 0)),
      client(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(*server, any, size) == 0);
  REQUIRE(::listen(*server, 1) == 0);
  REQUIRE(::getsockname(*server, any, &size) == 0);
  const auto option = [&](int level, int name) {
    int value = 0;
    socklen_t bytes = sizeof value;
    REQUIRE(::getsockopt(*client, level, name, &value, &bytes) == 0);
    return value;
  };
  REQUIRE(option(SOL_SOCKET, SO_KEEPALIVE) == 0);

  Socket socket;
  {
    const NoteSocket note(socket);
    REQUIRE(::connect(*client, any, size) == 0);
  }
  CHECK(socket.is_known());
  CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 30);          // seconds
  CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == 10);         // seconds
  CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 10'000);  // milliseconds
}
