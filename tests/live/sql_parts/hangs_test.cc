// Servers that stop in each state of a query, without closing their connections.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/live/sql_parts/control.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;
using namespace sql_servers;

namespace {

constexpr auto kTimeout = 1500ms;
constexpr double kLatest = 1.5 + 4;  // seconds
constexpr auto kLonger = 8s;         // enough for a query to start and its server to be stopped

struct Server {
  std::string name, variable, sleep, slow_rows, other;
};

// PostgreSQL returns rows in batches of ten, each after 0.1 s.
const std::string kRows = "SELECT i, pg_sleep(0.01) AS s FROM generate_series(1, 100000) i";
const Server kServers[] = {
    {"postgresql", "SQL_POSTGRESQL", "SELECT pg_sleep(60) AS v", kRows, "SQL_MARIADB"},
    {"postgresql", "SQL_POSTGRESQL_TLS", "SELECT pg_sleep(60) AS v", kRows, "SQL_MARIADB"},
    {"mariadb", "SQL_MARIADB", "SELECT sleep(60) AS v", "", "SQL_POSTGRESQL"},
};

/// Queries another server continuously, and counts its answers.
class Others {
 public:
  explicit Others(const std::string& variable) : database_(options(string_of(variable))) {}
  int answers() const { return answers_; }

 private:
  Database database_;
  std::atomic<int> answers_ = 0;
  std::jthread thread_{[this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (ask(database_, "SELECT 1 AS a").rows() == 1) ++answers_;
      exporter::pause(50ms, stop);
    }
  }};
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Checks that a query fails, at most four seconds late.
void check_failure(Reason reason, Database& database, const std::string& sql,
                   Clock::duration timeout = kTimeout) {
  const auto begin = Clock::now();
  error_of(reason, [&] { ask(database, sql, timeout); });
  CHECK(seconds_since(begin) < std::chrono::duration<double>(timeout).count() + 4);
}

void check_timeout(Database& database, const std::string& sql, Clock::duration timeout = kTimeout) {
  check_failure(Reason::timeout, database, sql, timeout);
}

void check_no_login(Database& database) {
  check_failure(Reason::connect, database, "SELECT 1 AS a");
}

/// Checks that, after the server continues, none of our queries runs there and the next one works.
void check_recovery(const Server& server, Database& database) {
  CHECK(row(ask(database, "SELECT 7 AS a", 60s)) == "7 ");
  wait_for_running(server.name, 0);
  CHECK(database.figures().stuck == 0);
}

/// Accepts connections and never answers.
class SilentPeer {
 public:
  SilentPeer() : number_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(number_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(number_, 16) == 0);
    ::getsockname(number_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~SilentPeer() { ::close(number_); }
  SilentPeer(const SilentPeer&) = delete;
  SilentPeer& operator=(const SilentPeer&) = delete;
  int port() const { return port_; }

 private:
  int number_, port_ = 0;
};

}  // namespace

TEST_CASE("a server stops before a login") {
  for (const auto& server : kServers) {
    INFO(server.variable);
    Database database(options(string_of(server.variable)));
    Others others(server.other);
    Frozen frozen(server.name);
    const auto before = others.answers();
    check_no_login(database);
    CHECK(others.answers() > before);
    CHECK(database.figures().logins == 0);
    frozen.thaw();
    check_recovery(server, database);
  }
}

TEST_CASE("a server stops while it executes") {
  for (const auto& server : kServers) {
    INFO(server.variable);
    Database database(options(string_of(server.variable)));
    ask(database, "SELECT 1 AS a");
    Others others(server.other);
    std::optional<Frozen> frozen;
    std::jthread freezer([&] {
      wait_for_running(server.name, 1, "sleep(60)");
      frozen.emplace(server.name);
    });
    const auto before = others.answers();
    check_timeout(database, server.sleep, kLonger);
    freezer.join();
    CHECK(others.answers() > before);
    CHECK(database.figures().cut == 1);
    CHECK(database.figures().idle == 0);
    frozen->thaw();
    check_recovery(server, database);
  }
}

TEST_CASE("a server stops while rows are fetched") {
  for (const auto& server : kServers) {
    if (server.slow_rows.empty()) continue;  // the driver reads all rows when it executes
    INFO(server.variable);
    Database database(options(string_of(server.variable) + ";Fetch=10"));
    Others others(server.other);
    std::optional<Frozen> frozen;
    std::jthread freezer([&] {
      const std::string fetches =
          "select count(*) from pg_stat_activity where usename = 'monitor' and query like 'fetch%'";
      if (!eventually([&] { return control("admin postgresql " + fetches) == "1"; })) return;
      frozen.emplace(server.name);
    });
    const auto before = others.answers();
    check_timeout(database, server.slow_rows, kLonger);
    freezer.join();
    REQUIRE(frozen);
    CHECK(others.answers() > before);
    CHECK(database.figures().cut == 1);
    frozen->thaw();
    check_recovery(server, database);
  }
}

TEST_CASE("a server stops while a connection is idle") {
  for (const auto& server : kServers) {
    INFO(server.variable);
    Database database(options(string_of(server.variable)));
    ask(database, "SELECT 1 AS a");
    Others others(server.other);
    Frozen frozen(server.name);
    const auto before = others.answers();
    check_timeout(database, "SELECT 1 AS a");
    CHECK(others.answers() > before);
    CHECK(database.figures().cut == 1);
    frozen.thaw();
    check_recovery(server, database);
  }
}

TEST_CASE("a stop does not wait for a server that has stopped") {
  for (const auto& server : kServers) {
    INFO(server.variable);
    Database database(options(string_of(server.variable)));
    ask(database, "SELECT 1 AS a");
    Frozen frozen(server.name);
    std::stop_source stop;
    std::jthread stopper([&] {
      exporter::pause(200ms, {});
      stop.request_stop();
    });
    const auto begin = Clock::now();
    error_of(Reason::cancelled, [&] {
      database.query(Statement("SELECT 1 AS a", database.dialect()), {}, {},
                     Deadline::in(600s, stop.get_token()));
    });
    CHECK(seconds_since(begin) < .2 + 4);
    frozen.thaw();
    check_recovery(server, database);
  }
}

TEST_CASE("connections to a server that has stopped can be closed") {
  for (const auto& server : kServers) {
    INFO(server.variable);
    std::optional<Database> database(options(string_of(server.variable)));
    ask(*database, "SELECT 1 AS a");
    Frozen frozen(server.name);
    const auto begin = Clock::now();
    database.reset();
    CHECK(seconds_since(begin) < 4);
    frozen.thaw();
    wait_for_running(server.name, 0);
  }
}

TEST_CASE("many queries hang at a time, and none for longer than one") {
  for (const auto& server : kServers) {
    INFO(server.variable);
    Database database(options(string_of(server.variable)));
    ask(database, "SELECT 1 AS a");
    Frozen frozen(server.name);
    std::mutex mutex;
    std::vector<std::string> reasons;
    const auto begin = Clock::now();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        std::string reason = "none";
        try {
          ask(database, "SELECT 1 AS a", kTimeout);
        } catch (const Error& error) {
          reason = to_string(error.reason());
        }
        const std::lock_guard lock(mutex);
        reasons.push_back(reason);
      });
    }
    threads.clear();
    CHECK(seconds_since(begin) < kLatest);
    std::vector<std::string> expected(7, "connect");  // for logins; one connection was idle
    expected.push_back("timeout");
    std::sort(reasons.begin(), reasons.end());
    CHECK(reasons == expected);
    frozen.thaw();
    check_recovery(server, database);
  }
}

TEST_CASE("a peer that is silent at the login is given up") {
  for (const std::string string :
       {"Driver=PostgreSQL Unicode;Server=127.0.0.1;Database=shop;Uid=monitor;SSLmode=disable",
        "Driver=PostgreSQL Unicode;Server=127.0.0.1;Database=shop;Uid=monitor;SSLmode=require",
        "Driver=PostgreSQL Unicode;Server=127.0.0.1;Database=shop;Uid=monitor",
        "Driver=MariaDB Unicode;Server=127.0.0.1;Database=shop;Uid=monitor",
        "Driver=FreeTDS;Server=127.0.0.1;TDS_Version=7.4;Uid=monitor"}) {
    INFO(string);
    const SilentPeer peer;
    Database database(options(string + ";Port=" + std::to_string(peer.port())));
    check_no_login(database);
    CHECK(database.figures().failures == 1);
    CHECK(database.figures().stuck == 0);
  }
}
