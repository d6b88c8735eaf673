#include <catch2/catch.hpp>

#include "common/sql/failure.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;

namespace {

using enum Dialect;

struct Case {
  Dialect dialect;
  std::string state;
  int native;
  std::string message;
  Reason reason;
  bool ends;
};

const Case kCases[] = {
    {postgresql, "57014", 1, "", Reason::timeout, false},
    {postgresql, "57P01", 1, "", Reason::connect, true},
    {postgresql, "57P03", 1, "", Reason::connect, true},
    {postgresql, "55P03", 1, "", Reason::locked, false},
    {postgresql, "40001", 1, "", Reason::locked, false},
    {postgresql, "40P01", 1, "", Reason::locked, false},
    {postgresql, "42501", 1, "", Reason::query, false},
    {postgresql, "42P01", 1, "", Reason::query, false},
    {postgresql, "25006", 1, "", Reason::query, false},
    {postgresql, "22012", 1, "", Reason::decode, false},
    {postgresql, "53300", 1, "", Reason::connect, true},
    {postgresql, "53200", 1, "out of memory", Reason::query, false},
    {postgresql, "08S01", 1, "", Reason::connect, true},
    {postgresql, "08001", 101, "could not connect", Reason::connect, true},
    {postgresql, "08001", 101, "FATAL:  password authentication failed", Reason::auth, false},
    {postgresql, "08001", 101, "FATAL:  no pg_hba.conf entry for host", Reason::auth, false},
    {postgresql, "28000", 1, "", Reason::auth, false},
    {postgresql, "HYT00", 1, "", Reason::timeout, false},
    {postgresql, "HYT01", 1, "", Reason::timeout, true},
    {postgresql, "HY000", 1045, "", Reason::query, false},  // a code of MariaDB
    {postgresql, "IM002", 0, "", Reason::config, false},
    {other, "HY008", 0, "", Reason::cancelled, false},
    {sqlserver, "28000", 18456, "Login failed for user", Reason::auth, false},
    {sqlserver, "08001", 20009, "Unable to connect", Reason::connect, true},
    {mariadb, "HY000", 1045, "", Reason::auth, false},
    {mariadb, "HY018", 1969, "", Reason::timeout, false},
    {mysql, "HY000", 3024, "", Reason::timeout, false},
    {mariadb, "HY018", 1317, "", Reason::cancelled, false},
    {mariadb, "HY000", 1205, "", Reason::locked, false},
    {mariadb, "40001", 1213, "", Reason::locked, false},
    {mariadb, "08S01", 2013, "", Reason::connect, true},
    {mariadb, "HY000", 2006, "", Reason::connect, true},
    {mysql, "HY000", 4031, "", Reason::connect, true},
    {mariadb, "HY000", 1792, "", Reason::query, false},
    {mariadb, "42S02", 1146, "", Reason::query, false},
    {sqlite, "HY000", 5, "", Reason::locked, false},
    {sqlite, "HY000", 6, "", Reason::locked, false},
    {sqlite, "HY000", 9, "", Reason::cancelled, false},
    {sqlite, "HY000", 10, "", Reason::io, false},
    {sqlite, "HY000", 11, "", Reason::io, false},
    {sqlite, "HY000", 14, "", Reason::connect, true},
    {sqlite, "HY000", 23, "", Reason::query, false},
    {mariadb, "42000", 1142, "", Reason::query, false},
    {sqlite, "HY000", 26, "", Reason::io, false},
    {sqlite, "HY000", 1, "", Reason::query, false},
    {other, "", 0, "", Reason::query, false},
};

}  // namespace

TEST_CASE("reasons of failures by SQLSTATE and native code") {
  for (const auto& [dialect, state, native, message, reason, ends] : kCases) {
    INFO(to_string(dialect) << " " << state << " " << native << " " << message);
    const Diagnosis diagnosis{state, native, message};
    CHECK(reason_of(diagnosis, dialect) == reason);
    CHECK(ends_connection(diagnosis, dialect) == ends);
  }
}

TEST_CASE("a failure says its codes and no data") {
  const Diagnosis diagnosis{"22P02", 7, "invalid input syntax: \"ann@example.com\";\nError while"};
  const auto error =
      error_of(Reason::decode, [&] { throw_failure(diagnosis, "SELECT 'x'::int", postgresql); });
  CHECK(error == "invalid input syntax: \"…\"; Error while (SQLSTATE 22P02, code 7)");
}

TEST_CASE("a driver that cannot be loaded comes with what to install") {
  const Diagnosis diagnosis{"01000", 0,
                            "[unixODBC]Can't open lib 'PostgreSQL Unicode' : file not found"};
  const std::string what =
      ": the driver is not installed, or odbcinst.ini names it differently (odbcinst -q -d lists "
      "the names). Debian's package ";
  CHECK(advice_on_driver(diagnosis, postgresql) == what + "is odbc-postgresql");
  CHECK(advice_on_driver(diagnosis, mariadb) == what + "is odbc-mariadb");
  CHECK(advice_on_driver(diagnosis, mysql) == what + "is odbc-mariadb");
  CHECK(advice_on_driver(diagnosis, sqlite) == what + "is libsqliteodbc");
  CHECK(advice_on_driver(diagnosis, sqlserver) == what + "of FreeTDS is tdsodbc");
  CHECK_THAT(advice_on_driver(diagnosis, other), Catch::Contains("Debian's packages are "));
  CHECK(advice_on_driver({"08001", 101, "could not connect"}, postgresql).empty());
}

TEST_CASE("a failure says whether a table is not there") {
  const auto lack = [](Dialect dialect, const Diagnosis& diagnosis) -> std::string {
    try {
      throw_failure(diagnosis, "SELECT 1", dialect);
    } catch (const NoSuchTable& error) {
      CHECK(error.reason() == Reason::query);
      return error.is_certain ? "not there" : "not there or not allowed";
    } catch (const Error&) {
      return "";
    }
  };
  CHECK(lack(postgresql, {"42P01", 1, ""}) == "not there");
  CHECK(lack(postgresql, {"42501", 1, "permission denied"}) == "");
  CHECK(lack(postgresql, {"42703", 1, "column a does not exist"}) == "");
  CHECK(lack(postgresql, {"HY000", 1142, ""}) == "");  // a code of MariaDB
  CHECK(lack(mariadb, {"42S02", 1146, ""}) == "not there");
  CHECK(lack(mariadb, {"42000", 1142, ""}) == "not there or not allowed");
  CHECK(lack(mysql, {"42000", 1142, ""}) == "not there or not allowed");
  CHECK(lack(mariadb, {"HY000", 1356, "View references invalid table(s)"}) == "");
  CHECK(lack(sqlserver, {"42S02", 208, "Invalid object name"}) == "not there");
  CHECK(lack(sqlserver, {"42000", 229, "SELECT permission was denied"}) == "");
  CHECK(lack(sqlite, {"HY000", 1, "[SQLite]no such table: a (1)"}) == "not there");
  CHECK(lack(sqlite, {"HY000", 1, "[SQLite]no such column: a (1)"}) == "");
}
