// Logins, lost connections, locks and poolers with real servers.

#include <catch2/catch.hpp>
#include <thread>

#include "common/base/log.h"
#include "tests/live/sql_parts/control.h"
#include "tests/support/caught_log.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::sql;
using namespace sql_servers;

namespace {

struct Server {
  std::string name, variable, sleep, kill, lock;
};

const Server kServers[] = {
    {"postgresql", "SQL_POSTGRESQL", "SELECT pg_sleep(60) AS v",
     "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'monitor'",
     "begin; lock table stock;"},
    {"mariadb", "SQL_MARIADB", "SELECT sleep(60) AS v", "kill user monitor@'127.0.0.1'",
     "lock tables stock write;"},
};

}  // namespace

TEST_CASE("odd passwords log in") {
  for (const auto& server : kServers) {
    for (const auto* user : {"monitor", "braces", "words", "percent"}) {
      INFO(server.name << " " << user);
      Database database(options(string_of(server.variable), user));
      CHECK(row(ask(database, "SELECT 1 AS a")) == "1 ");
    }
  }
}

TEST_CASE("a wrong password is said to be, and shown nowhere") {
  const TemporaryDirectory directory;
  for (const auto& server : kServers) {
    for (const std::string password : {"hunter2", "hun;ter}2", "hünter2", "'hunter2'"}) {
      INFO(server.name << " " << password);
      auto with_wrong = options(string_of(server.variable));
      with_wrong.password = SecretSource::literal(Secret(password));
      Database database(std::move(with_wrong));
      const exporter::testing::CaughtLog caught(directory.path() / "log");
      log::configure(log::Level::debug, log::Format::logfmt);
      const auto error = error_of(Reason::auth, [&] { ask(database, "SELECT 1 AS a"); });
      log::flush(5s);
      log::configure(log::Level::info, log::Format::logfmt);
      CHECK(error.find(password) == std::string::npos);
      CHECK(caught.lines(password).empty());
      CHECK(database.figures().logins == 0);
    }
  }
}

TEST_CASE("a server that refuses connections is said to") {
  for (const std::string string :
       {"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port=1;Database=shop;Uid=monitor",
        "Driver=MariaDB Unicode;Server=127.0.0.1;Port=1;Database=shop;Uid=monitor",
        "Driver=FreeTDS;Server=127.0.0.1;Port=1;TDS_Version=7.4;Uid=monitor"}) {
    INFO(string);
    Database database(options(string));
    error_of(Reason::connect, [&] { ask(database, "SELECT 1 AS a", 10s); });
    CHECK(database.figures().cut == 0);
  }
}

TEST_CASE("the longest of all timeouts leaves a session as it must be") {
  for (const auto& server : kServers) {
    INFO(server.name);
    Database database(options(string_of(server.variable)));
    const Statement statement("SELECT 1 AS a", database.dialect());
    for (const auto when : {Clock::now() + std::chrono::hours(24 * 40), Clock::time_point::max()}) {
      CHECK(row(database.query(statement, {}, {}, Deadline::at(when))) == "1 ");
    }
    CHECK(database.figures().unset.empty());
    CHECK(database.figures().logins == 1);
  }
}

TEST_CASE("the server ends what takes too long before the deadline does") {
  for (const auto& server : kServers) {
    INFO(server.name);
    Database database(options(string_of(server.variable)));
    ask(database, "SELECT 1 AS a");
    error_of(Reason::timeout, [&] { ask(database, server.sleep, 10s); });
    CHECK(database.figures().cut == 0);
    CHECK(row(ask(database, "SELECT 1 AS a")) == "1 ");
    CHECK(database.figures().logins == 1);
  }
}

TEST_CASE("a stop ends a query on the server") {
  for (const auto& server : kServers) {
    INFO(server.name);
    Database database(options(string_of(server.variable)));
    std::stop_source stop;
    std::jthread stopper([&] {
      wait_for_running(server.name, 1, "sleep(60)");
      stop.request_stop();
    });
    error_of(Reason::cancelled, [&] {
      database.query(Statement(server.sleep, database.dialect()), {}, {},
                     Deadline::in(60s, stop.get_token()));
    });
    wait_for_running(server.name, 0);
    CHECK(database.figures().cut == 1);
    CHECK(database.figures().stuck == 0);
  }
}

TEST_CASE("a connection that was closed while it was idle is not a failure") {
  for (const auto& server : kServers) {
    INFO(server.name);
    Database database(options(string_of(server.variable)));
    ask(database, "SELECT 1 AS a");
    control("admin " + server.name + " " + server.kill);
    CHECK(row(ask(database, "SELECT 2 AS a")) == "2 ");
    CHECK(database.figures().failures == 0);
    CHECK(database.figures().logins == 2);

    control("restart " + server.name);
    CHECK(row(ask(database, "SELECT 3 AS a")) == "3 ");
    CHECK(database.figures().failures == 0);
    CHECK(database.figures().logins == 3);
  }
}

TEST_CASE("a connection that is killed in a query fails that one alone") {
  for (const auto& server : kServers) {
    INFO(server.name);
    Database database(options(string_of(server.variable)));
    std::jthread killer([&] {
      wait_for_running(server.name, 1, "sleep(60)");
      control("admin " + server.name + " " + server.kill);
    });
    error_of(Reason::connect, [&] { ask(database, server.sleep, 60s); });
    CHECK(row(ask(database, "SELECT 2 AS a")) == "2 ");
    CHECK(database.figures().failures == 1);
  }
}

TEST_CASE("a server that is away fails queries, and the next works once it is back") {
  for (const auto& server : kServers) {
    INFO(server.name);
    Database database(options(string_of(server.variable)));
    ask(database, "SELECT 1 AS a");
    control("stop " + server.name);
    for (int i = 0; i < 2; ++i) error_of(Reason::connect, [&] { ask(database, "SELECT 2 AS a"); });
    control("start " + server.name);
    CHECK(row(ask(database, "SELECT 3 AS a")) == "3 ");
  }
}

TEST_CASE("a locked table is said to be") {
  for (const auto& server : kServers) {
    INFO(server.name);
    Database database(options(string_of(server.variable)));
    control("hold " + server.name + " " + server.lock);
    error_of(Reason::locked, [&] { ask(database, "SELECT * FROM stock", 6s); });
    control("release " + server.name);
    CHECK(ask(database, "SELECT * FROM stock", 60s).rows() == 1);
    CHECK(database.figures().cut == 0);
  }
}

TEST_CASE("connections are shared by threads, each with its own answer") {
  for (const auto& server : kServers) {
    Database database(options(string_of(server.variable)));
    std::vector<std::jthread> threads;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        for (int k = 0; k < 25; ++k) {
          const auto expected = std::to_string(100 * i + k);
          if (ask(database, "SELECT " + expected + " AS a").at(0, 0) != expected) ++wrong;
        }
      });
    }
    threads.clear();
    CHECK(wrong == 0);
    CHECK(database.figures().failures == 0);
    CHECK(database.figures().queries == 200);
  }
}

TEST_CASE("a pooler's other clients get nothing of our settings") {
  Database database(options(string_of("SQL_PGBOUNCER")));
  const std::string settings =
      "select current_setting('default_transaction_read_only'), "
      "current_setting('statement_timeout'), "
      "current_setting('lock_timeout'), current_setting('cursor_tuple_fraction'), "
      "current_setting('transaction_read_only')";
  const auto before = control("pooled " + settings);
  for (int i = 0; i < 3; ++i) {
    CHECK(row(ask(database,
                  "SELECT current_setting('transaction_read_only') AS a, "
                  "current_setting('statement_timeout') <> '0' AS b, current_setting('TimeZone') "
                  "AS c",
                  10s)) == "on 1 UTC ");
    error_of(Reason::query, [&] { ask(database, "SELECT nope AS a"); });
    CHECK(control("pooled " + settings) == before);
  }
  CHECK(before == "off|0|0|0.1|off");
  CHECK(database.figures().unset.empty());
  CHECK(database.figures().failures == 3);
  error_of(Reason::timeout, [&] { ask(database, "SELECT pg_sleep(60) AS v", 3s); });
  CHECK(control("pooled " + settings) == before);
}
