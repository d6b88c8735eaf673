#include <catch2/catch.hpp>

#include "common/sql/connection_string.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;
using namespace std::chrono_literals;

namespace {

std::string text_of(std::string_view text) { return ConnectionString(text).text(); }

std::string refused(std::string_view text) {
  return error_of(Reason::config, [&] { ConnectionString{text}; });
}

}  // namespace

TEST_CASE("a connection string is written as it was read") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Driver=SQLite3", "Driver=SQLite3;"},
      {" Driver = SQLite3 ; Database = /a b ; ", "Driver=SQLite3;Database=/a b;"},
      {"Driver={PostgreSQL Unicode};Server=db", "Driver={PostgreSQL Unicode};Server=db;"},
      {";;DSN=shop;;Uid=a@b.c;", "DSN=shop;Uid=a@b.c;"},
      {"DSN=x;pqopt={options='-c a=b'}", "DSN=x;pqopt={options='-c a=b'};"},
      {"DSN=x;A=file:/b?mode=ro", "DSN=x;A=file:/b?mode=ro;"},
      {"DSN=x;A={a;b}}c} ;B=1", "DSN=x;A={a;b}}c};B=1;"},
      {"DSN=x;A={};B=", "DSN=x;A={};B=;"},
      {"DSN=x;A={ a }", "DSN=x;A={ a };"},
      {"DSN=x;A=a%3Bb;B={a%3Bb}", "DSN=x;A=a%3Bb;B={a%3Bb};"},
      {"DSN=x;A=a=b", "DSN=x;A=a=b;"},
      {"DSN=x;A=\t{a;b}", "DSN=x;A={a;b};"},
      {"FILEDSN=/etc/x.dsn", "FILEDSN=/etc/x.dsn;"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(text_of(text) == expected);
    CHECK(text_of(text_of(text)) == expected);
  }
  CHECK(ConnectionString("driver=a;Server=b").has("SERVER"));
  CHECK_FALSE(ConnectionString("driver=a;Server=b").has("Serve"));
}

TEST_CASE("malformed connection strings") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "expected Driver= (as odbcinst -q -d lists them) or DSN="},
      {"Server=db", "expected Driver= (as odbcinst -q -d lists them) or DSN="},
      {"Driver", "expected key=value;..."},
      {"Driver=a;Server;Uid=b", "expected key=value;..."},
      {"Driver=a;=b", "a value without a key"},
      {"Driver={a", "a '{' without its '}'"},
      {"Driver={a}}", "a '{' without its '}'"},
      {"Driver={a}b;Server=c", "expected ';' behind '}'"},
      {"Driver=a;DRIVER=b", "duplicate DRIVER"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(refused(text) == "ODBC connection string: " + std::string(expected));
  }
}

TEST_CASE("a password in a connection string is refused and not quoted") {
  for (const auto* text :
       {"Driver=a;Pwd=hunter2", "Driver=a; PASSWORD = {hunter2}", "passwd=hunter2",
        "Driver=a;pqopt={password=hunter2}", "Driver=a;PWD=hunter2;x"}) {
    INFO(text);
    CHECK(refused(text) ==
          "ODBC connection string: it contains a password; use password_file or password_env "
          "instead");
  }
}

TEST_CASE("the password of a key is refused as well") {
  for (const auto* key : {"PRIV_KEY_FILE_PWD", "priv_key_file_pwd", "SSLPassword", "PASSWORD2"}) {
    INFO(key);
    CHECK(refused("Driver=a;" + std::string(key) + "=hunter2") ==
          "ODBC connection string: " + std::string(key) +
              " is a password; it belongs in a data source of odbc.ini (DSN=)");
  }
  CHECK(text_of("Driver=a;PRIV_KEY_FILE=/k.p8;Pwdx=1") == "Driver=a;PRIV_KEY_FILE=/k.p8;Pwdx=1;");
}

TEST_CASE("any password goes into braces") {
  const ConnectionString string("Driver=a");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "Driver=a;"},
      {"simple", "Driver=a;Pwd={simple};"},
      {"a;b}c=d {e", "Driver=a;Pwd={a;b}}c=d {e};"},
      {"}}", "Driver=a;Pwd={}}}}};"},
      {" grün%#'\" ", "Driver=a;Pwd={ grün%#'\" };"},
  };
  for (const auto& [password, expected] : cases) {
    CHECK(string.with_password(password).reveal() == expected);
  }
}

TEST_CASE("what a driver needs is added, and nothing that the user set is changed") {
  const auto with_defaults = [](std::string_view text) {
    ConnectionString string(text);
    string.add_defaults(7s);
    return string.text();
  };
  CHECK(with_defaults("Driver=PostgreSQL Unicode") ==
        "Driver=PostgreSQL Unicode;UseDeclareFetch=1;Fetch=1000;Protocol=7.4-0;");
  CHECK(with_defaults("Driver=psqlodbcw.so;usedeclarefetch=0;PROTOCOL=7.4-1") ==
        "Driver=psqlodbcw.so;usedeclarefetch=0;PROTOCOL=7.4-1;Fetch=1000;");
  CHECK(with_defaults("Driver=MariaDB Unicode") == "Driver=MariaDB Unicode;CONN_TIMEOUT=7;");
  CHECK(with_defaults("Driver=MySQL ODBC 8.0") == "Driver=MySQL ODBC 8.0;CONN_TIMEOUT=7;");
  CHECK(with_defaults("Driver=SQLite3") == "Driver=SQLite3;NoCreat=1;Timeout=1000;");
  CHECK(with_defaults("Driver=SQLite3;NoCreat=0") == "Driver=SQLite3;NoCreat=0;Timeout=1000;");
  CHECK(with_defaults("Driver=FreeTDS") == "Driver=FreeTDS;");
  CHECK(with_defaults("DSN=shop") == "DSN=shop;");
}

TEST_CASE("dialects by the names of drivers and servers") {
  const std::pair<std::string_view, Dialect> cases[] = {
      {"PostgreSQL Unicode", Dialect::postgresql},
      {"{PostgreSQL ANSI}", Dialect::postgresql},
      {"psqlodbcw.so", Dialect::postgresql},
      {"MariaDB Unicode", Dialect::mariadb},
      {"MySQL ODBC 8.0 Unicode Driver", Dialect::mysql},
      {"SQLite3", Dialect::sqlite},
      {"FreeTDS", Dialect::sqlserver},
      {"ODBC Driver 18 for SQL Server", Dialect::sqlserver},
      {"Microsoft SQL Server", Dialect::sqlserver},
      {"Snowflake", Dialect::other},
      {"", Dialect::other},
  };
  for (const auto& [name, dialect] : cases) CHECK(dialect_of(name) == dialect);
  CHECK(ConnectionString("Server=a;driver=FreeTDS").dialect() == Dialect::sqlserver);
  CHECK(ConnectionString("DSN=mariadb").dialect() == Dialect::other);
  CHECK(to_string(Dialect::sqlserver) == "sqlserver");
}
