#include <catch2/catch.hpp>
#include <limits>

#include "common/sql/statement.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;

namespace {

using enum Dialect;

std::string refused(std::string_view text, Dialect dialect = postgresql) {
  return error_of(Reason::config, [&] { Statement(text, dialect); });
}

std::string text_of(std::string_view text, const Parameters& parameters = {},
                    Dialect dialect = postgresql) {
  return Statement(text, dialect).text(parameters);
}

std::string one(const Parameter& parameter, Dialect dialect) {
  return text_of("SELECT :p", {{"p", parameter}}, dialect);
}

}  // namespace

TEST_CASE("a statement's parameters become literals wherever they stand") {
  const Statement statement("SELECT :a, ':a', x::int, \":a\" FROM t WHERE :b < :a -- :c",
                            postgresql);
  CHECK(statement.parameters() == std::vector<std::string>{"a", "b"});
  CHECK(statement.text({{"a", std::int64_t{-5}}, {"b", "it's"}, {"unused", 1.0}}) ==
        "SELECT -5, ':a', x::int, \":a\" FROM t WHERE 'it''s' < -5  ");
  CHECK(error_of(Reason::config, [&] {
          statement.text({{"a", std::int64_t{1}}});
        }) == "the statement's parameter :b has no value");
}

TEST_CASE("a literal does not become a part of what stands before it") {
  const Parameters parameters{{"n", std::int64_t{-5}}, {"a", "\\'x"}};
  CHECK(text_of("SELECT 1-:n", parameters) == "SELECT 1- -5");
  CHECK(text_of("SELECT E:a", parameters) == "SELECT E '\\''x'");
  CHECK(text_of("SELECT 'b':a'c'", parameters) == "SELECT 'b' '\\''x' 'c'");
  CHECK(text_of("SELECT 5---- x\n 3", {}, mysql) == "SELECT 5--/**/ 3");
  CHECK(text_of("SELECT 1--:n", parameters, mysql) == "SELECT 1--/**/-5");
}

TEST_CASE("literals of each type and dialect") {
  for (const auto dialect : {postgresql, sqlite, sqlserver, other}) {
    CHECK(one("a'b\\", dialect) == "SELECT 'a''b\\'");
  }
  for (const auto dialect : {mariadb, mysql}) CHECK(one("a'b\\", dialect) == "SELECT 'a''b\\\\'");
  CHECK(one(std::numeric_limits<std::int64_t>::min(), sqlite) == "SELECT -9223372036854775808");
  CHECK(one(0.1, sqlite) == "SELECT 0.1");
  CHECK(one("", sqlite) == "SELECT ''");
  CHECK(error_of(Reason::config, [] { one(std::string("a\0b", 3), sqlite); }) ==
        "a string in a statement cannot contain a NUL");

  using namespace std::chrono;
  const Time day = sys_days(2026y / 3 / 29);
  const Time time = day + 2h + 3min + 4s + 50us;
  CHECK(one(time, postgresql) == "SELECT TIMESTAMPTZ '2026-03-29 02:03:04.000050+00'");
  CHECK(one(day, postgresql) == "SELECT TIMESTAMPTZ '2026-03-29 00:00:00.000000+00'");
  for (const auto dialect : {mariadb, mysql}) {
    CHECK(one(time, dialect) == "SELECT TIMESTAMP '2026-03-29 02:03:04.000050'");
  }
  CHECK(one(time, sqlite) == "SELECT '2026-03-29 02:03:04.000050'");
  CHECK(one(day, sqlite) == "SELECT '2026-03-29 00:00:00'");
  CHECK(one(Time(microseconds(-1)), sqlite) == "SELECT '1969-12-31 23:59:59.999999'");
  CHECK(one(time, sqlserver) == "SELECT CAST('2026-03-29 02:03:04.000050' AS datetime2)");
  CHECK(one(time, other) == "SELECT {ts '2026-03-29 02:03:04.000050'}");
}

TEST_CASE("a number that SQL cannot write is refused as a parameter") {
  for (const double number :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    CHECK(error_of(Reason::config, [&] { one(number, sqlite); }) ==
          "a number in a statement must be finite");
  }
}

TEST_CASE("a statement is one") {
  CHECK(text_of("SELECT 1;") == "SELECT 1");
  CHECK(text_of("SELECT 1 ; ; -- end\n /* of it */ ;").starts_with("SELECT 1 "));
  CHECK(text_of("SELECT ';', \";\", $$;$$ /* ; */ -- ;") == "SELECT ';', \";\", $$;$$    ");
  for (const auto* text : {"SELECT 1; SELECT 2", "SELECT 1;:a", "SELECT 1;'a'",
                           "SELECT 1; /*+ a */", "SELECT '\\'; SELECT '\\'", ";SELECT 1"}) {
    INFO(text);
    CHECK(refused(text) == "expected one statement, found more");
  }
  CHECK(text_of("SELECT '\\'; SELECT '\\''", {}, mariadb) == "SELECT '\\'; SELECT '\\''");
  CHECK(refused("SELECT 1--1; SELECT 2", mariadb) == "expected one statement, found more");
  for (const auto* text : {"", " \n\t", ";", "-- a", "/* a */ ;", "/*+ a */"}) {
    CHECK(refused(text) == "the statement is empty");
  }
}

TEST_CASE("what does not end is named with its line") {
  CHECK(refused("SELECT\n\n 'a") == "the literal in line 3 of the statement is not terminated");
  CHECK(refused("SELECT \"a") == "the quoted name in line 1 of the statement is not terminated");
  CHECK(refused("SELECT 1\n/* a\nb") == "the comment in line 2 of the statement is not terminated");
  CHECK(refused("SELECT $x$a$y$") == "the literal in line 1 of the statement is not terminated");
}

TEST_CASE("comments do not reach the server, hints do") {
  CHECK(text_of("/* a */SELECT/**/1--b\n+2") == " SELECT 1 +2");
  CHECK(text_of("/*+ SeqScan(t) */ SELECT 1 -- x") == "/*+ SeqScan(t) */ SELECT 1  ");
  CHECK(text_of("SELECT 'a' -- b\n -- c\n'd'") == "SELECT 'a' \n \n'd'");  // 'ad'
  CHECK(text_of("/*!50000 SELECT */ /*M!1 2*/ 1 # x", {}, mysql) ==
        "/*!50000 SELECT */ /*M!1 2*/ 1  ");
}

TEST_CASE("a message shows names of the statement and no data") {
  const std::string statement =
      "SELECT name, \"Big Name\", [x] FROM public.users WHERE email = 'ann@example.com' AND k = "
      "'ab'";
  const auto shown = [&](std::string_view message, Dialect dialect = postgresql) {
    return without_data(message, statement, dialect);
  };
  CHECK(shown("relation \"users\" does not exist") == "relation \"users\" does not exist");
  CHECK(shown("relation \"public.USERS\" is gone") == "relation \"public.USERS\" is gone");
  CHECK(shown("column \"Big Name\" is odd") == "column \"Big Name\" is odd");
  CHECK(shown("invalid input syntax for type integer: \"42 Elm Street\"") ==
        "invalid input syntax for type integer: \"…\"");
  CHECK(shown("Failed to send 'select x where email = 'ann@example.com''").find("ann") ==
        std::string::npos);
  CHECK(shown("no ann@example.com here, ann@example.com") == "no … here, …");
  CHECK(shown("near 'ann@example.com' AND") == "near '…' AND");
  CHECK(shown("Duplicate entry 'bob@x.org' for key `users`", mariadb) ==
        "Duplicate entry '…' for key `users`");
  CHECK(shown("a quote that 'does not end") == "a quote that '…'");
  CHECK(shown("empty '' quotes") == "empty '…' quotes");
  CHECK(shown("two\r\nlines\tand") == "two  lines and");
  CHECK(shown(std::string(600, 'a')).size() <= 503);
  CHECK(shown("\"public.nope\"") == "\"…\"");
}

TEST_CASE("data that holds quotes stays hidden") {
  const auto shown = [](std::string_view message) {
    return without_data(message, "SELECT total::int FROM orders", postgresql);
  };
  constexpr std::string_view kHidden = "invalid input syntax for type integer: \"…\"";
  CHECK(shown("invalid input syntax for type integer: \"{\"email\": \"bob@x.org\"}\"") == kHidden);
  CHECK(shown("invalid input syntax for type integer: \"24\" of Bob\"") == kHidden);
  CHECK(shown("invalid input syntax for type integer: \"orders\" of Bob\"") == kHidden);
  CHECK(shown("Conversion failed of value 'O' Bob '5' to int") ==
        "Conversion failed of value '…' to int");
  CHECK(shown("denied to 'ann'@'10.0.0.1' for table 'orders'") ==
        "denied to '…' for table 'orders'");
}

TEST_CASE("PostgreSQL's messages in other languages hide data, too") {
  const auto shown = [](std::string_view message) {
    return without_data(message, "SELECT total::int FROM orders", postgresql);
  };
  CHECK(shown("ungültige Eingabesyntax für Typ integer: »42 Elm Street«") ==
        "ungültige Eingabesyntax für Typ integer: »…«");
  CHECK(shown("Relation »orders« gibt es nicht, »nope« auch") ==
        "Relation »orders« gibt es nicht, »…« auch");
  CHECK(shown("syntaxe en entrée invalide : «\u00a042 Elm Street\u00a0»") ==
        "syntaxe en entrée invalide : «…»");
  CHECK(shown("la relation «\u00a0orders\u00a0» n'existe pas") ==
        "la relation «\u00a0orders\u00a0» n'existe pas");
  CHECK(shown("неверный синтаксис: \"bob\", «42 Elm Street") == "неверный синтаксис: \"…\", «…»");
}

TEST_CASE("no literal of a statement leaks, however it is quoted") {
  const std::pair<Dialect, std::string> statements[] = {
      {postgresql, "SELECT E'hunter2'"},
      {postgresql, "SELECT $q$hunter2$q$"},
      {postgresql, "SELECT $$hunter2$$"},
      {mariadb, "SELECT \"hunter2\""},
      {mariadb, "SELECT 1--'hunter2'"},
      {sqlite, "SELECT 'hunter2'"},
      {postgresql, "SELECT 'hunter2', 'hunter2 and more'"},
  };
  for (const auto& [dialect, statement] : statements) {
    INFO(statement);
    CHECK(without_data("syntax error near hunter2 x", statement, dialect) ==
          "syntax error near … x");
    CHECK(without_data("near \"hunter2\" and 'hunter2'", statement, dialect).find("hunter2") ==
          std::string::npos);
    CHECK(without_data(statement, statement, dialect).find("hunter2") == std::string::npos);
  }
  CHECK(without_data("x ab1 and ab1 more", "SELECT 'ab1', 'ab1 more', 'ab1 mo'", sqlite) ==
        "x … and …");
  CHECK(without_data("x it's hunter2 y", "SELECT N'it''s hunter2'", sqlserver) == "x … y");
  CHECK(without_data("x a\"b y", "SELECT \"a\"\"b\"", mariadb) == "x … y");
}

TEST_CASE("an apostrophe in a message quotes nothing") {
  CHECK(without_data("Table 'users' can't be read, 'x' isn't", "SELECT a FROM users", mariadb) ==
        "Table 'users' can't be read, '…' isn't");
}
