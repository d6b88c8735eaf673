#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "common/sql/database.h"
#include "common/sql/value.h"
#include "test_paths.h"
#include "tests/common/sql_fixture.h"
#include "tests/support/caught_log.h"

using namespace exporter;
using namespace exporter::sql;
using namespace sql_fixture;

namespace {

const std::string kSeries = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT ";

std::string series(int rows, const std::string& columns = "i") {
  return kSeries + std::to_string(rows) + ") SELECT " + columns + " FROM c";
}

std::string refused(Database& database, std::string_view sql, const Limits& limits = {}) {
  return error_of(Reason::query, [&] { ask(database, sql, Deadline::in(60s), limits); });
}

}  // namespace

TEST_CASE("values come as texts, NULL apart, whatever a column mixes") {
  File file(
      "CREATE TABLE t (v NUMERIC); INSERT INTO t VALUES "
      "(1), (2.5), ('text'), (NULL), (''), (x'DEADBEEF'), (9223372036854775807), ('grüße 😀')");
  Database database(options(file));
  const auto table = ask(database, "SELECT v FROM t ORDER BY rowid");
  REQUIRE(table.rows() == 8);
  const char* expected[] = {"1",      "2.5", "text", nullptr, "", nullptr, "9223372036854775807",
                            "grüße 😀"};
  for (std::size_t i = 0; i < table.rows(); ++i) {
    if (i == 5) continue;  // binary data, whose text depends on the driver
    INFO(i);
    CHECK(table.at(i, 0).has_value() == (expected[i] != nullptr));
    if (expected[i] != nullptr) CHECK(table.at(i, 0) == expected[i]);
  }
  CHECK(number_of(*table.at(6, 0)) == 9223372036854775807.0);
  CHECK_THROWS_AS(number_of(*table.at(2, 0)), Error);
  CHECK(row(ask(database, "SELECT 1.0/0 AS a, 9e999 AS b, -9e999 AS c")) == "- Inf -Inf ");
}

TEST_CASE("no rows are a table with columns") {
  File file;
  Database database(options(file));
  const auto table = ask(database, "SELECT x, 1 AS one FROM made");
  CHECK(table.rows() == 0);
  CHECK(table.columns() == std::vector<std::string>{"x", "one"});
}

TEST_CASE("parameters reach the query") {
  File file;
  Database database(options(file));
  const Statement statement("SELECT :text AS t, :number + 1 AS n, 'a?:b' AS q -- :c",
                            Dialect::sqlite);
  const auto table = database.query(
      statement, {{"text", "it's ? \\"}, {"number", std::int64_t{41}}}, {}, Deadline::in(60s));
  CHECK(row(table) == "it's ? \\ 42 a?:b ");
}

TEST_CASE("a long value comes whole, whatever the pieces cut") {
  File file;
  Database database(options(file));
  for (const auto* letter : {"x", "ü", "€", "😀"}) {
    for (const int count : {1, 4094, 4095, 4096, 4097, 8191, 20000}) {
      INFO(letter << " " << count);
      const auto table = ask(database, "SELECT replace(hex(zeroblob(" + std::to_string(count) +
                                           ")), '00', '" + letter + "') AS a, 'next' AS b");
      std::string expected;
      for (int i = 0; i < count; ++i) expected += letter;
      CHECK(table.at(0, 0) == expected);
      CHECK(table.at(0, 1) == "next");
    }
  }
}

TEST_CASE("limits fail a query and cut nothing off") {
  File file;
  Database database(options(file));
  CHECK(ask(database, series(100), Deadline::in(60s), {.rows = 100}).rows() == 100);
  CHECK(refused(database, series(101), {.rows = 100}) == "more than 100 rows");
  CHECK(refused(database, series(1), {.rows = 0}) == "more than 0 rows");
  CHECK_THROWS_AS(ask(database, series(2), Deadline::in(60s), {.rows = 1}), TooManyRows);

  CHECK(ask(database, "SELECT 'abc' AS a, 'de' AS b", Deadline::in(60s), {.bytes = 5}).bytes() ==
        5);
  CHECK(refused(database, "SELECT 'abc' AS a, 'def' AS b", {.bytes = 5}) == "more than 5 bytes");

  const auto cell = [](int bytes) {
    return "SELECT substr(hex(zeroblob(600000)), 1, " + std::to_string(bytes) + ") AS big";
  };
  CHECK(ask(database, cell(1 << 20)).at(0, 0)->size() == 1 << 20);
  CHECK(refused(database, cell((1 << 20) + 1)) == "a value of more than 1 MiB in the column big");

  const auto columns = [](int count) {
    std::string sql = "SELECT 0 AS c0";
    for (int i = 1; i < count; ++i) sql += ", " + std::to_string(i) + " AS c" + std::to_string(i);
    return sql;
  };
  CHECK(ask(database, columns(256)).at(0, 255) == "255");
  CHECK(refused(database, columns(257)) == "more than 256 columns");
  CHECK(database.figures().logins == 1);
}

TEST_CASE("columns must have names, each its own") {
  File file;
  Database database(options(file));
  CHECK(refused(database, "SELECT 1 AS a, 2 AS b, 3 AS a") ==
        "two columns are named a; give them names with AS");
  CHECK(refused(database, "SELECT 1 AS \"\"") == "a column has no name; give it one with AS");
  CHECK(ask(database, "SELECT 1 AS a, 2 AS A, 3 AS \"größe 😀\"").columns() ==
        std::vector<std::string>{"a", "A", "größe 😀"});
}

TEST_CASE("a session is read-only") {
  File file;
  Database database(options(file));
  for (const auto* sql :
       {"INSERT INTO made VALUES (1)", "CREATE TABLE more (x)", "DELETE FROM made"}) {
    INFO(sql);
    CHECK(refused(database, sql).find("readonly") != std::string::npos);
  }
  CHECK(database.figures().unset.empty());
  CHECK(database.figures().server.find("SQLite") == 0);
  CHECK(row(ask(database, "SELECT count(*) AS n FROM made")) == "0 ");
}

TEST_CASE("a statement without rows is not a query") {
  File file;
  Database database(options(file));
  CHECK(refused(database, "PRAGMA cache_size = 100") ==
        "the statement returns no rows; expected a query");
}

TEST_CASE("a wrong statement says so without its data, and the connection is kept") {
  File file;
  Database database(options(file));
  const auto error = refused(database, "SELECT nope FROM made WHERE x = 'hunter2'");
  CHECK(error.find("no such column") != std::string::npos);
  CHECK(error.find("hunter2") == std::string::npos);
  const auto figures = database.figures();
  CHECK(figures.failures == 1);
  CHECK(figures.idle == 1);
  CHECK(figures.cut == 0);
}

TEST_CASE("a file that is locked is said to be") {
  File file("INSERT INTO made VALUES (1)");
  Database database(options(file));
  file.execute("BEGIN EXCLUSIVE");
  const auto error = error_of(Reason::locked, [&] { ask(database, "SELECT x FROM made"); });
  CHECK(error.find("locked") != std::string::npos);
  file.execute("COMMIT");
  CHECK(row(ask(database, "SELECT x FROM made")) == "1 ");
}

TEST_CASE("a missing file is not made") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "missing.db";
  Database database(options("Driver=SQLite3;Database=" + path));
  error_of(Reason::connect, [&] { ask(database, "SELECT 1 AS a"); });
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(database.figures().failures == 1);
  CHECK(database.figures().logins == 0);
}

TEST_CASE("what is not a database is said") {
  const TemporaryDirectory directory;
  const auto path = directory.write("text.db", std::string(4096, 'x'));
  Database database(options("Driver=SQLite3;Database=" + path));
  error_of(Reason::io, [&] { ask(database, "SELECT x FROM made"); });
}

TEST_CASE("a driver that is not installed is a mistake of the configuration") {
  Database database(options("Driver=No Such Driver;Server=db"));
  error_of(Reason::config, [&] { ask(database, "SELECT 1 AS a"); });
}

TEST_CASE("a password that cannot be read fails the query") {
  File file;
  auto with_password = options(file);
  with_password.password = SecretSource::file("/nonexistent/password");
  Database database(std::move(with_password));
  error_of(Reason::config, [&] { ask(database, "SELECT 1 AS a"); });
}

TEST_CASE("connections are kept and used again, the most that were said") {
  File file;
  auto few = options(file);
  few.idle_connections = 2;
  Database database(std::move(few));
  for (int i = 0; i < 10; ++i) ask(database, "SELECT 1 AS a");
  CHECK(database.figures().logins == 1);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 25; ++k) {
        const auto table = ask(database, "SELECT " + std::to_string(k) + " AS a");
        if (table.at(0, 0) != std::to_string(k)) throw std::runtime_error("another's answer");
      }
    });
  }
  threads.clear();
  const auto figures = database.figures();
  CHECK(figures.queries == 210);
  CHECK(figures.rows == 210);
  CHECK(figures.failures == 0);
  CHECK(figures.cut == 0);
  CHECK(figures.idle <= 2);
  CHECK(figures.seconds > 0);
}

TEST_CASE("a setting that the database does not have is said once") {
  const TemporaryDirectory directory;
  const exporter::testing::CaughtLog log(directory.path() / "log");
  Database database(options(std::string("Driver=") + HANGING_DRIVER));
  for (int i = 0; i < 3; ++i) {
    error_of(Reason::query, [&] { ask(database, "SELECT 1 AS a"); });
  }
  CHECK(database.figures().logins == 1);
  CHECK(database.figures().unset ==
        std::vector<std::string>{"read-only: this database has no such setting",
                                 "time zone UTC: this database has no such setting",
                                 "time limit: this database has no such setting"});
  CHECK(log.lines("a setting of the session is not in force").size() == 3);
}

TEST_CASE("a login with a driver that is not installed says what to install") {
  Database database(options("Driver=PostgreSQL Gone;Server=db"));
  CHECK_THAT(error_of(Reason::config, [&] { ask(database, "SELECT 1 AS a"); }),
             Catch::Contains("Can't open lib 'PostgreSQL Gone'") &&
                 Catch::EndsWith("Debian's package is odbc-postgresql"));
}
