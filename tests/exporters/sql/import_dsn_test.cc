#include "exporters/sql/import_dsn.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/sql/connection_string.h"

using namespace exporter::sql;

namespace {

struct Case {
  UrlStyle style;
  std::string url, odbc;
  bool has_password = false;
  std::string variable = {};
};

std::string all_of(const ImportedDsn& dsn) {
  auto text = dsn.odbc + dsn.host + dsn.database + dsn.user + dsn.password_variable;
  for (const auto& note : dsn.notes) text += note;
  return text;
}

}  // namespace

TEST_CASE("import: data source names as ODBC strings", "[sql][import]") {
  constexpr auto kBurn = UrlStyle::dburl, kGo = UrlStyle::go_drivers, kSql = UrlStyle::sqlalchemy;
  const std::vector<Case> cases{
      {kBurn, "postgres://u:p@h:5433/d?sslmode=disable",
       "Driver=PostgreSQL Unicode;Server=h;Port=5433;Database=d;Uid=u;SSLmode=disable", true},
      {kBurn, "pg://u@[::1]:5432/d",
       "Driver=PostgreSQL Unicode;Server=::1;Port=5432;Database=d;Uid=u"},
      {kBurn, "postgres://u@/d?host=/run/postgresql",
       "Driver=PostgreSQL Unicode;Server=/run/postgresql;Database=d;Uid=u"},
      {kBurn, "postgres://u@/var/run/postgresql/d",
       "Driver=PostgreSQL Unicode;Server=/var/run/postgresql;Database=d;Uid=u"},
      {kBurn, "postgres://u@/run/postgresql?sslmode=disable",
       "Driver=PostgreSQL Unicode;Server=/run/postgresql;Uid=u;SSLmode=disable"},
      {kGo, "postgres://u@h/include:a*",
       "Driver=PostgreSQL Unicode;Server=h;Database=postgres;Uid=u"},
      {kSql, "postgresql+asyncpg://u%40x:p@h/my%20d;b",
       "Driver=PostgreSQL Unicode;Server=h;Database={my d;b};Uid={u@x}", true},
      {kBurn, "mysql://u:$DB_PASS@h/d", "Driver=MariaDB Unicode;Server=h;Database=d;Uid=u", true,
       "DB_PASS"},
      {kBurn, "mysql://u:${pass}@h/d", "Driver=MariaDB Unicode;Server=h;Database=d;Uid=u", true,
       "pass"},
      {kBurn, "mysql://u:$ecret@h/d", "Driver=MariaDB Unicode;Server=h;Database=d;Uid=u", true},
      {kBurn, "mysql:/run/mysqld/mysqld.sock",
       "Driver=MariaDB Unicode;Socket=/run/mysqld/mysqld.sock"},
      {kBurn, "mysql://u@h/d?tls=custom&tls-ca=/ca.pem",
       "Driver=MariaDB Unicode;Server=h;Database=d;Uid=u;FORCETLS=1;SSLVERIFY=1;SSLCA=/ca.pem"},
      {kGo, "mysql://u:p@tcp(h:3307)/d",
       "Driver=MariaDB Unicode;Server=h;Port=3307;Database=d;Uid=u", true},
      {kGo, "mysql://u:p@unix(/run/my.sock)/d",
       "Driver=MariaDB Unicode;Socket=/run/my.sock;Database=d;Uid=u", true},
      {kBurn, "sqlserver://u:p@h:1433/d?encrypt=true",
       "Driver=FreeTDS;Server=h;Port=1433;Database=d;Uid=u;Encryption=require", true},
      {kBurn, "sqlserver://u:p@h/i/d", "Driver=FreeTDS;Server=h;Database=d;Uid=u", true},
      {kGo, "sqlserver://u:p@h/i?database=d", "Driver=FreeTDS;Server=h;Database=d;Uid=u", true},
      {kBurn, "sqlite:/a/b.db", "Driver=SQLite3;Database=/a/b.db"},
      {kBurn, "sqlite:///a/b.db", "Driver=SQLite3;Database=/a/b.db"},
      {kSql, "sqlite:///b.db", "Driver=SQLite3;Database=b.db"},
      {kSql, "sqlite:////a/b.db", "Driver=SQLite3;Database=/a/b.db"},
      {kSql, "sqlite://", "Driver=SQLite3;Database=:memory:"},
      {kBurn, "clickhouse://u:p@h:9000/d",
       "Driver={ClickHouse ODBC Driver (Unicode)};Server=h;Port=8123;Database=d;Uid=u", true},
      {kSql, "oracle+oracledb://u:p@h:1522/?service_name=s",
       "Driver=Oracle 21 ODBC driver;DBQ=//h:1522/s;Uid=u", true},
      {kSql, "oracle://u:p@(DESCRIPTION = (HOST = h)(SERVICE = a/b))",
       "Driver=Oracle 21 ODBC driver;DBQ={(DESCRIPTION = (HOST = h)(SERVICE = a/b))};Uid=u", true},
      {kBurn, "snowflake://u:p@acc.eu/d/s?warehouse=w&role=r",
       "Driver=SnowflakeDSIIDriver;Server=acc.eu.snowflakecomputing.com;Database=d;Schema=s;"
       "Warehouse=w;Role=r;Uid=u",
       true},
      {kBurn, "vertica://u:p@h:5433/d", "Driver=Vertica;Servername=h;Port=5433;Database=d;Uid=u",
       true},
      {kGo, "postgres://u:{{ pass }}@h/d", "Driver=PostgreSQL Unicode;Server=h;Database=d;Uid=u",
       true, "PASS"},
      {kBurn, "postgres://u:{{pass}}@h/d", "Driver=PostgreSQL Unicode;Server=h;Database=d;Uid=u",
       true},
      {kBurn, "postgres://$U:p@$HOST:${PORT}/d",
       "Driver=PostgreSQL Unicode;Server=$HOST;Port=$PORT;Database=d;Uid=$U", true},
      {kGo, "postgres://u:p@h:port/d", "Driver=PostgreSQL Unicode;Server=h;Database=d;Uid=u", true},
      {kBurn, "postgres://u:p@x@h/d", "Driver=PostgreSQL Unicode;Server=h;Database=d;Uid=u", true},
      {kBurn, "postgres://u@h%2Fx/d", "DSN=name"},
      {kBurn, "postgres://u@h h/d", "DSN=name"},
      {kBurn, "postgres://u@a:b:1/d", "DSN=name"},
      {kBurn, "postgres://h/" + std::string(9000, 'd'), "DSN=name"},
      {kBurn, "db2://u:p@h/d", "DSN=name"},
      {kBurn, "$DSN", "DSN=name"},
      {kBurn, "hashivault://mount/path?key=k", "DSN=name"},
      {kBurn, "Server=h;Pwd=secret", "DSN=name"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.url);
    const auto dsn = import_dsn(each.url, "name", each.style);
    CHECK(dsn.odbc == each.odbc);
    CHECK(dsn.has_password == each.has_password);
    CHECK(dsn.password_variable == each.variable);
    CHECK_NOTHROW(ConnectionString(dsn.odbc));
    CHECK(dsn.dialect == ConnectionString(dsn.odbc).dialect());
  }
}

TEST_CASE("import: no piece of a password is in what is made of a data source name",
          "[sql][import]") {
  // The password starts and ends with X; between are characters that a URL should encode.
  const std::vector<std::string> signs{
      "",     "/",     "@",    ":",    "?",    "#",    "(",   ")",    "()",   "%",          "%4",
      "$",    "{{A}}", ";",    "&",    "=",    "//",   "@/",  "/@",   "?@",   "#@",         "@?",
      ":@/",  "(/",    ")/",   "${X}", "\\",   "[",    "]",   "://",  "@h/d", "@h:",        "/d",
      "?a=b", "&a=",   "@h?a", "\n",   "\x01", "%01",  "%2F", "%40",  "tcp(", "@tcp(h:1)/", " ",
      "+",    "{",     "}",    "'",    "\"",   "\xff", "%ff", "[[X]]"};
  for (const auto* scheme : {"postgres", "mysql", "sqlserver", "oracle", "clickhouse", "snowflake",
                             "vertica", "db2", "k8ssecret"}) {
    for (const auto& a : signs) {
      for (const auto& b : signs) {
        for (const auto style : {UrlStyle::dburl, UrlStyle::go_drivers, UrlStyle::sqlalchemy}) {
          const auto url =
              std::string(scheme) + "://user:Xq" + a + "qzq" + b + "qX@host:1/db?sslmode=require";
          const auto dsn = import_dsn(url, "name", style);
          const auto all = all_of(dsn);
          INFO(url << "\n" << all);
          REQUIRE(all.find("qzq") == std::string::npos);
          REQUIRE(all.find("Xq") == std::string::npos);
          REQUIRE(all.find("qX") == std::string::npos);
          REQUIRE_NOTHROW(ConnectionString(dsn.odbc));
        }
      }
    }
  }
}

TEST_CASE("import: passwords among a URL's options", "[sql][import]") {
  const auto dsn = import_dsn("postgres://h/d?user=u&password=secret&sslpassword=secret2", "name",
                              UrlStyle::dburl);
  CHECK(dsn.odbc == "Driver=PostgreSQL Unicode;Server=h;Database=d;Uid=u");
  CHECK(dsn.has_password);
  CHECK(all_of(dsn).find("secret") == std::string::npos);
}
