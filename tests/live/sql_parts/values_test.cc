// Values, names and settings with real servers.

#include <catch2/catch.hpp>
#include <cstdio>

#include "common/sql/value.h"
#include "tests/live/sql_parts/control.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;
using namespace sql_servers;

namespace {

struct Case {
  std::string sql, expected;
};

void check(const std::string& variable, const std::vector<Case>& cases) {
  Database database(options(string_of(variable)));
  for (const auto& [sql, expected] : cases) {
    INFO(sql);
    const auto table = ask(database, "SELECT " + sql + " AS v");
    CHECK(table.rows() == 1);
    CHECK(table.at(0, 0).value_or("NULL") == expected);
  }
}

std::string refused(Database& database, std::string_view sql, Reason reason) {
  return error_of(reason, [&] { ask(database, sql); });
}

long resident_kilobytes() {
  long pages = 0, resident = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  REQUIRE(std::fscanf(file, "%ld %ld", &pages, &resident) == 2);
  std::fclose(file);
  return resident * 4;
}

std::string repeated(std::string_view text, int count) {
  std::string result;
  while (count-- > 0) result += text;
  return result;
}

}  // namespace

TEST_CASE("values of PostgreSQL") {
  check(
      "SQL_POSTGRESQL",
      {{"123456789012345678901234567890.123456789::numeric(40,9)",
        "123456789012345678901234567890.123456789"},
       {"1/3.0::double precision", "0.3333333333333333"},
       {"0.1::double precision + 0.2", "0.30000000000000004"},
       {"9223372036854775807::bigint", "9223372036854775807"},
       {"true", "1"},
       {"false", "0"},
       {"'NaN'::numeric", "NaN"},
       {"'NaN'::double precision", "NaN"},
       {"'Infinity'::double precision", "Infinity"},
       {"'-Infinity'::double precision", "-Infinity"},
       {"'2026-03-29 02:30:00.123456'::timestamp", "2026-03-29 02:30:00.123456"},
       {"'2026-03-29 02:30:00+02'::timestamptz", "2026-03-29 00:30:00"},
       {"'2026-03-29'::date", "2026-03-29"},
       {"'infinity'::timestamp", "9999-12-31 23:59:59"},
       {"'\\xdeadbeef'::bytea", "deadbeef"},
       {"'6b0f3a52-8a55-4f0e-9d0c-0a4d1f6b7c8d'::uuid", "6B0F3A52-8A55-4F0E-9D0C-0A4D1F6B7C8D"},
       {"'{\"a\": 1}'::jsonb", "{\"a\": 1}"},
       {"'{1,2}'::int[]", "{1,2}"},
       {"NULL::int", "NULL"},
       {"''", ""},
       {"'grüße 😀'", "grüße 😀"},
       {"extract(epoch from '2026-03-29 02:30:00.123456+00'::timestamptz)", "1774751400.123456"}});
  Database database(options(string_of("SQL_POSTGRESQL")));
  refused(database, "SELECT 1/0 AS v", Reason::decode);
  CHECK_THROWS_AS(number_of(*ask(database, "SELECT 12.5::money AS v").at(0, 0)), Error);
}

TEST_CASE("values of MariaDB") {
  check("SQL_MARIADB", {{"CAST('123456789012345678901234567890.123456789' AS decimal(40,9))",
                         "123456789012345678901234567890.123456789"},
                        {"CAST('0.1' AS double) / 3", "0.03333333333333333"},
                        {"18446744073709551615", "18446744073709551615"},
                        {"-9223372036854775808", "-9223372036854775808"},
                        {"true", "1"},
                        {"1/0", "NULL"},
                        {"NULL", "NULL"},
                        {"TIMESTAMP '2026-03-29 02:30:00.123456'", "2026-03-29 02:30:00.123456"},
                        {"DATE '2026-03-29'", "2026-03-29"},
                        {"''", ""},
                        {"'grüße 😀'", "grüße 😀"},
                        {"unix_timestamp('2026-03-29 02:30:00')", "1774751400"}});
  Database database(options(string_of("SQL_MARIADB")));
  const auto zero = ask(database, "SELECT CAST('0000-00-00 00:00:00' AS datetime) AS v");
  if (const auto text = zero.at(0, 0)) CHECK_THROWS_AS(time_of(*text), Error);
}

TEST_CASE("times as parameters are the instants that they were") {
  using namespace std::chrono;
  const sql::Time time = sys_days(2026y / 3 / 29) + 2h + 30min + 123456us;
  for (const auto& [variable, sql] :
       std::vector<Case>{{"SQL_POSTGRESQL", "SELECT extract(epoch from :t) AS v"},
                         {"SQL_MARIADB", "SELECT unix_timestamp(:t) AS v"}}) {
    Database database(options(string_of(variable)));
    const auto table =
        database.query(Statement(sql, database.dialect()), {{"t", time}}, {}, Deadline::in(30s));
    CHECK(table.at(0, 0) == "1774751400.123456");
  }
}

TEST_CASE("texts as parameters are data, whatever is in them") {
  const std::string text = "'; DROP TABLE stock; -- \\' \\\\ \" ? $1 :x 😀";
  for (const auto* variable : {"SQL_POSTGRESQL", "SQL_MARIADB"}) {
    Database database(options(string_of(variable)));
    const auto table = database.query(Statement("SELECT :t AS v, 'a?:b' AS w", database.dialect()),
                                      {{"t", text}}, {}, Deadline::in(30s));
    CHECK(table.at(0, 0) == text);
    CHECK(table.at(0, 1) == "a?:b");
  }
}

TEST_CASE("names and long texts in UTF-8 come whole in the C locale") {
  for (const auto* variable : {"SQL_POSTGRESQL", "SQL_MARIADB"}) {
    Database database(options(string_of(variable)));
    const bool is_postgresql = database.dialect() == Dialect::postgresql;
    const std::string quote = is_postgresql ? "\"" : "`";
    CHECK(ask(database, "SELECT 1 AS " + quote + "größe" + quote).columns()[0] == "größe");
    for (const auto* letter : {"x", "ü", "€", "😀"}) {
      for (const int count : {1, 1023, 1024, 1365, 1366, 2047, 2048, 4095, 4096, 4097, 30000}) {
        INFO(variable << " " << letter << " " << count);
        const auto table = ask(database, "SELECT repeat('" + std::string(letter) + "', " +
                                             std::to_string(count) + ") AS a, 'next' AS b");
        CHECK(table.at(0, 0) == repeated(letter, count));
        CHECK(table.at(0, 1) == "next");
      }
    }
  }
  Database database(options(string_of("SQL_POSTGRESQL")));
  for (const int count : {2047, 2048, 2049, 5000}) {
    const auto table =
        ask(database, "SELECT decode(repeat('ab', " + std::to_string(count) + "), 'hex') AS v");
    CHECK(table.at(0, 0) == repeated("ab", count));
  }
}

TEST_CASE("sessions of PostgreSQL are read-only, in UTC and limited") {
  const std::string settings =
      "SELECT current_setting('transaction_read_only') AS a, current_setting('TimeZone') AS b, "
      "current_setting('application_name') AS c, "
      "(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS d, ";
  const auto limits = [](const std::string& timeout) {
    return "current_setting('statement_timeout')::interval BETWEEN interval '" + timeout +
           "' * 0.7 AND interval '" + timeout + "' * 0.9 AND current_setting('lock_timeout')::" +
           "interval * 2 = current_setting('statement_timeout')::interval AS e";
  };
  for (const auto* variable : {"SQL_POSTGRESQL", "SQL_POSTGRESQL_TLS", "SQL_POSTGRESQL_SOCKET"}) {
    INFO(variable);
    Database database(options(string_of(variable)));
    const bool has_tls = std::string(variable) == "SQL_POSTGRESQL_TLS";
    const auto expected = "on UTC sql_exporter " + std::string(has_tls ? "1 1 " : "0 1 ");
    CHECK(row(ask(database, settings + limits("10s"), 10s)) == expected);
    CHECK(row(ask(database, settings + limits("20s"), 20s)) == expected);
    refused(database, "INSERT INTO stock VALUES (1) RETURNING 1 AS a", Reason::query);
    refused(database,
            "SELECT set_config('transaction_read_only', 'off', false) AS a, "
            "(SELECT count(*) FROM stock) AS b",
            Reason::query);
    CHECK(row(ask(database, settings + limits("10s"), 10s)) == expected);
    CHECK(database.figures().unset.empty());
    CHECK(database.figures().server.starts_with("PostgreSQL 15"));
    CHECK(database.figures().logins == 1);
  }
  CHECK(control("admin postgresql select count(*) from stock") == "1");
}

TEST_CASE("sessions of MariaDB are read-only, in UTC and limited") {
  Database database(options(string_of("SQL_MARIADB")));
  const auto settings = [](const std::string& timeout) {
    return "SELECT @@session.tx_read_only AS a, @@session.time_zone AS b, "
           "@@session.max_statement_time BETWEEN " +
           timeout + " * 0.7 AND " + timeout + " * 0.9 AS c, @@session.lock_wait_timeout = " +
           "ceil(@@session.max_statement_time / 2) AS d";
  };
  CHECK(row(ask(database, settings("10"), 10s)) == "1 +00:00 1 1 ");
  CHECK(row(ask(database, settings("10"), 10s)) == "1 +00:00 1 1 ");
  CHECK(row(ask(database, settings("20"), 20s)) == "1 +00:00 1 1 ");
  refused(database, "INSERT INTO stock VALUES (1)", Reason::query);
  CHECK(database.figures().unset.empty());
  CHECK(database.figures().server.find("10.11") != std::string::npos);
  CHECK(database.figures().logins == 1);
  CHECK(control("admin mariadb select count(*) from stock") == "1");
}

TEST_CASE("errors have their reasons, and no data") {
  for (const auto* variable : {"SQL_POSTGRESQL", "SQL_MARIADB"}) {
    INFO(variable);
    Database database(options(string_of(variable)));
    for (const auto* sql : {"SELECT nope FROM stock WHERE 'hunter2' = 'hunter2'",
                            "SELECT 1 AS a FROM nope WHERE 'hunter2' = 'hunter2'",
                            "SELECT 1 AS a FROM stock WHEN 'hunter2' = 'hunter2'"}) {
      const auto error = refused(database, sql, Reason::query);
      INFO(error);
      CHECK(error.find("hunter2") == std::string::npos);
      CHECK(error.size() > 40);
    }
    refused(database, "SELECT v FROM hidden.secrets", Reason::query);
    refused(database, "SELECT 1 AS a, 2 AS a", Reason::query);
    const auto figures = database.figures();
    CHECK(figures.logins == 1);
    CHECK(figures.idle == 1);
  }
}

TEST_CASE("statements of all forms give their rows") {
  Database database(options(string_of("SQL_POSTGRESQL")));
  for (const auto* sql : {"SELECT 7 AS a -- the end", "-- the start\nSELECT 7 AS a;",
                          "/* a */ WITH b AS (SELECT 7 AS a) SELECT a FROM b /* c */ ;",
                          "(SELECT 7 AS a)", "VALUES (7)", "TABLE seven"}) {
    INFO(sql);
    CHECK(row(ask(database, sql)) == "7 ");
  }
  CHECK(row(ask(database, "SHOW TimeZone")) == "UTC ");
}

TEST_CASE("a result of millions of rows costs no memory") {
  Limits limits{.rows = 1000};
  const std::string series = "SELECT i FROM generate_series(1, 4000000) i";
  for (const auto& [variable, sql] : std::vector<Case>{
           {"SQL_POSTGRESQL", series},
           {"SQL_POSTGRESQL", "WITH a AS (SELECT 1) " + series},
           {"SQL_POSTGRESQL", "-- all of them\n" + series + " -- indeed"},
           {"SQL_MARIADB", "SELECT seq AS i FROM seq_1_to_4000000"},
           {"SQL_MARIADB", "WITH a AS (SELECT 1) SELECT seq AS i FROM seq_1_to_4000000"}}) {
    INFO(sql);
    Database database(options(string_of(variable)));
    ask(database, "SELECT 1 AS a");
    const auto before = resident_kilobytes();
    CHECK(error_of(Reason::query, [&] { ask(database, sql, 60s, limits); }) ==
          "more than 1000 rows");
    CHECK(resident_kilobytes() - before < 20'000);
    CHECK(row(ask(database, "SELECT 1 AS a")) == "1 ");
    CHECK(database.figures().logins == 1);
  }
}

TEST_CASE("a limit of rows that is kept gives all of them") {
  for (const auto& [variable, sql] :
       std::vector<Case>{{"SQL_POSTGRESQL", "SELECT i FROM generate_series(1, 5000) i"},
                         {"SQL_MARIADB", "SELECT seq AS i FROM seq_1_to_5000"}}) {
    Database database(options(string_of(variable)));
    for (const std::size_t rows : {5000u, 5001u}) {
      const auto table = ask(database, sql, 30s, {.rows = rows});
      REQUIRE(table.rows() == 5000);
      CHECK(table.at(4999, 0) == "5000");
    }
    CHECK_THROWS_AS(ask(database, sql, 30s, {.rows = 4999}), Error);
    CHECK(ask(database, sql, 30s).rows() == 5000);
  }
}

TEST_CASE("a query that the driver does not know as one costs its connection, not the process") {
  Database database(options(string_of("SQL_MARIADB")));
  for (int i = 0; i < 3; ++i) {
    CHECK(refused(database, "VALUES (1), (2)", Reason::query) ==
          "the statement returns no rows; expected a query");
    CHECK(row(ask(database, "SELECT 5 AS a")) == "5 ");
  }
  for (const auto* sql : {"SELECT 5 AS a LIMIT 3", "SELECT 5 AS a FOR UPDATE", "(SELECT 5 AS a)",
                          "WITH b AS (SELECT 5 AS a) SELECT a FROM b /*! LIMIT 1 */"}) {
    INFO(sql);
    CHECK(row(ask(database, sql)) == "5 ");
  }
  CHECK(ask(database, "SHOW TABLES").rows() == 1);
  CHECK(ask(database, "EXPLAIN SELECT 1").rows() == 1);
  CHECK(database.figures().logins == 4);
}
