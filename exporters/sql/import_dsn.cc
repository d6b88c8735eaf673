#include "exporters/sql/import_dsn.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/base/text.h"
#include "common/sql/connection_string.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxUrl = 8 << 10;

using Attributes = std::vector<std::pair<std::string, std::string>>;

std::string attribute_value(std::string_view value) {
  const bool is_plain = value.find_first_of(";{}[]()?*=!@%") == std::string_view::npos &&
                        trim(value).size() == value.size();
  if (is_plain) return std::string(value);
  std::string braced = "{";
  for (const char c : value) {
    if (c == '}') braced += c;
    braced += c;
  }
  return braced + "}";
}

std::string to_string(const Attributes& attributes) {
  std::string text;
  for (const auto& [key, value] : attributes) {
    if (value.empty()) continue;
    text += (text.empty() ? "" : ";") + key + "=" + attribute_value(value);
  }
  return text;
}

/// The result of converting the parts of a URL for one kind of database.
class Maker {
 public:
  Maker(const ImportedUrl& url, UrlStyle style, ImportedDsn& dsn)
      : url_(url), style_(style), dsn_(dsn) {}

  void add(const std::string& key, const std::string& value) {
    attributes_.push_back({key, value});
  }
  void note(const std::string& text) { dsn_.notes.push_back(text); }

  /// The value of an option, which is marked as known.
  std::string take(std::string_view key) {
    for (std::size_t i = 0; i < url_.options.size(); ++i) {
      if (!equal_ignoring_case(url_.options[i].first, key)) continue;
      taken_.push_back(i);
      return url_.options[i].second;
    }
    return {};
  }

  /// Converts the option to an attribute.
  void carry(std::string_view option, const std::string& attribute) {
    add(attribute, take(option));
  }

  /// Options that concern another driver, or are our defaults.
  void ignore(std::initializer_list<std::string_view> options) {
    for (const auto option : options) take(option);
  }

  void add_server(const std::string& server = "Server", const std::string& port = "Port") {
    add(server, url_.host);
    add(port, url_.port);
  }

  std::string finish() {
    std::string left;
    for (std::size_t i = 0; i < url_.options.size(); ++i) {
      if (std::ranges::find(taken_, i) != taken_.end()) continue;
      left += (left.empty() ? "" : ", ") + shown_option(url_.options[i].first);
    }
    if (!left.empty())
      note("options that are not carried over, add what is needed to odbc: " + left);
    return to_string(attributes_);
  }

  const ImportedUrl& url() const { return url_; }
  UrlStyle style() const { return style_; }

 private:
  const ImportedUrl& url_;
  const UrlStyle style_;
  ImportedDsn& dsn_;
  Attributes attributes_;
  std::vector<std::size_t> taken_;
};

/// The directory of a socket in the path of dburl's postgres://user@/run/postgresql/database.
std::string socket_directory(const ImportedUrl& url, UrlStyle style) {
  const auto path = "/" + url.path;
  const auto slash = path.rfind('/');
  if (style != UrlStyle::dburl || !url.host.empty() || slash == 0) return {};
  const bool is_whole = path == "/run/postgresql" || path == "/var/run/postgresql";
  return is_whole ? path : path.substr(0, slash);
}

void make_postgresql(Maker& maker) {
  const auto& url = maker.url();
  maker.add("Driver", "PostgreSQL Unicode");
  auto directory = maker.take("host");
  auto database = url.path;
  if (directory.empty()) directory = socket_directory(url, maker.style());
  if (("/" + database).starts_with(directory)) database.erase(0, directory.size());
  maker.add("Server", directory.empty() ? url.host + url.socket : directory);
  maker.add("Port", url.port);
  if (database.starts_with("include") || database.starts_with("exclude")) {
    maker.note("the list of databases in the path: make one source of each");
    database = "postgres";
  }
  maker.add("Database", database);
  maker.add("Uid", maker.url().user);
  maker.carry("sslmode", "SSLmode");
  maker.ignore({"application_name", "fallback_application_name", "connect_timeout",
                "default_query_exec_mode", "binary_parameters", "timezone"});
}

void make_mysql(Maker& maker) {
  maker.add("Driver", "MariaDB Unicode");
  if (maker.url().socket.empty()) {
    maker.add_server();
  } else {
    maker.add("Socket", maker.url().socket);
  }
  maker.add("Database", maker.url().path);
  maker.add("Uid", maker.url().user);
  const auto tls = to_lower(maker.take("tls"));
  if (!tls.empty() && tls != "false") {
    maker.add("FORCETLS", "1");
    if (tls == "true" || tls == "custom") maker.add("SSLVERIFY", "1");
  }
  maker.carry("tls-ca", "SSLCA");
  maker.carry("tls-cert", "SSLCERT");
  maker.carry("tls-key", "SSLKEY");
  maker.ignore({"parsetime", "charset", "collation", "loc", "timeout", "readtimeout",
                "writetimeout", "interpolateparams", "multistatements"});
}

/// The path is the name of the database, or instance/name; for Go's driver it is the instance.
std::string sqlserver_database(Maker& maker, const std::string& path) {
  const auto slash = path.find('/');
  const bool is_instance = maker.style() == UrlStyle::go_drivers && !path.empty();
  if (is_instance || slash != std::string::npos) {
    maker.note("the instance " + path.substr(0, slash) + ": give its port");
  }
  for (const auto* option : {"database", "initial catalog"}) {
    if (auto database = maker.take(option); !database.empty()) return database;
  }
  if (is_instance) return {};
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

void make_sqlserver(Maker& maker) {
  maker.add("Driver", "FreeTDS");
  maker.add_server();
  maker.add("Database", sqlserver_database(maker, maker.url().path));
  maker.add("Uid", maker.url().user);
  const auto encrypt = to_lower(maker.take("encrypt"));
  if (encrypt == "true" || encrypt == "yes" || encrypt == "strict" || encrypt == "mandatory") {
    maker.add("Encryption", "require");
  }
  if (encrypt == "false" || encrypt == "disable") maker.add("Encryption", "off");
  maker.ignore({"app name", "connection timeout", "dial timeout", "keepalive", "mars_connection",
                "driver", "trustservercertificate"});
  maker.note(
      "FreeTDS is the driver of Debian's package tdsodbc; for Microsoft's, write Driver=ODBC "
      "Driver "
      "18 for SQL Server;Server=HOST,PORT;Encrypt=yes");
}

void make_sqlite(Maker& maker) {
  maker.add("Driver", "SQLite3");
  std::string_view path = maker.url().path;
  // SQLAlchemy has sqlite:///relative and sqlite:////absolute.
  if (maker.style() == UrlStyle::sqlalchemy && path.starts_with('/')) path.remove_prefix(1);
  const bool is_memory = path.empty() || path == ":memory:";
  maker.add("Database", is_memory ? ":memory:" : std::string(path));
  if (is_memory) maker.note("a database in memory is empty here");
  maker.ignore({"mode", "cache", "_pragma", "loc"});
}

constexpr std::string_view kVendor =
    ": a driver of its vendor, whose name odbcinst -q -d prints, and whose attributes may differ";

void make_clickhouse(Maker& maker) {
  maker.add("Driver", "ClickHouse ODBC Driver (Unicode)");
  maker.add("Server", maker.url().host);
  const auto& port = maker.url().port;
  maker.add("Port", port == "9000" ? "8123" : port == "9440" ? "8443" : port);
  if (port == "9000" || port == "9440") maker.note("this driver speaks HTTP: the port is another");
  auto database = maker.take("database");
  maker.add("Database", database.empty() ? maker.url().path : database);
  const auto user = maker.take("username");
  maker.add("Uid", user.empty() ? maker.url().user : user);
  if (maker.take("secure") == "true" || port == "9440") maker.add("SSLMode", "require");
  maker.note("ClickHouse" + std::string(kVendor));
}

void make_oracle(Maker& maker) {
  maker.add("Driver", "Oracle 21 ODBC driver");
  auto service = maker.take("service_name");
  if (service.empty()) service = maker.url().path;
  const auto port = maker.url().port.empty() ? "1521" : maker.url().port;
  const auto& host = maker.url().host;
  maker.add("DBQ", host.starts_with('(') ? host : "//" + host + ":" + port + "/" + service);
  maker.add("Uid", maker.url().user);
  maker.note("Oracle" + std::string(kVendor));
}

void make_snowflake(Maker& maker) {
  maker.add("Driver", "SnowflakeDSIIDriver");
  const auto account = maker.take("account");
  auto host = account.empty() ? maker.url().host : account;
  const bool is_whole = host.find(".snowflakecomputing.") != std::string::npos;
  maker.add("Server", is_whole || host.empty() ? host : host + ".snowflakecomputing.com");
  const auto& path = maker.url().path;
  const auto slash = path.find('/');
  maker.add("Database", path.substr(0, slash));
  if (slash != std::string::npos) maker.add("Schema", path.substr(slash + 1));
  maker.carry("warehouse", "Warehouse");
  maker.carry("role", "Role");
  maker.add("Uid", maker.url().user);
  maker.note("Snowflake" + std::string(kVendor));
}

void make_vertica(Maker& maker) {
  maker.add("Driver", "Vertica");
  maker.add_server("Servername");
  maker.add("Database", maker.url().path);
  maker.add("Uid", maker.url().user);
  maker.note("Vertica" + std::string(kVendor));
}

struct Kind {
  void (*make)(Maker&);
  std::array<std::string_view, 6> schemes;
};

constexpr std::array<Kind, 8> kKinds{{
    {make_postgresql, {"postgres", "postgresql", "pg", "pgsql", "pgx", "rds-postgres"}},
    {make_mysql, {"mysql", "mariadb", "my", "maria", "rds-mysql", "aurora"}},
    {make_sqlserver, {"sqlserver", "mssql", "ms", "azuresql"}},
    {make_sqlite, {"sqlite", "sqlite3", "sq", "file", "moderncsqlite"}},
    {make_clickhouse, {"clickhouse", "ch", "clickhousedb"}},
    {make_oracle, {"oracle", "ora", "oci", "oci8", "godror"}},
    {make_snowflake, {"snowflake", "sf"}},
    {make_vertica, {"vertica", "ve"}},
}};

constexpr std::array<std::string_view, 5> kSecretStores{
    "awssecretsmanager", "gcpsecretmanager", "gcpsecretsmanager", "hashivault", "k8ssecret"};

const Kind* kind_of(std::string_view scheme) {
  const auto whole = to_lower(scheme);
  const auto base = whole.substr(0, whole.find('+'));
  for (const auto& kind : kKinds) {
    if (std::ranges::find(kind.schemes, base) != kind.schemes.end() && !base.empty()) return &kind;
  }
  return nullptr;
}

/// A source whose connection string the user must write.
ImportedDsn by_hand(const std::string& name, const std::string& why) {
  ImportedDsn dsn;
  dsn.odbc = "DSN=" + attribute_value(name);
  dsn.notes.push_back(why +
                      ": write the ODBC connection string into odbc, and where the password "
                      "is into password_file");
  return dsn;
}

/// The string keeps the names of environment variables, but does not expand them.
void note_variables(const ImportedUrl& url, ImportedDsn& dsn) {
  if (!url.variables.empty()) {
    dsn.notes.push_back("odbc takes no environment variables: put the value in place of " +
                        url.variables);
  }
}

std::string as_label(const std::string& part) {
  return part.find('$') == std::string::npos ? part : std::string();
}

}  // namespace

ImportedDsn import_dsn(std::string_view text, const std::string& name, UrlStyle style) {
  if (text.size() > kMaxUrl) return by_hand(name, "the data source name is longer than 8 KiB");
  if (const auto variable = variable_of(text, style); !variable.empty()) {
    return by_hand(name, "the data source name is in the environment variable " + variable);
  }
  const auto scheme = scheme_of(text);
  for (const auto store : kSecretStores) {
    if (scheme == store) {
      return by_hand(name, "error: " + scheme + ":// is not read, a secret belongs into a file");
    }
  }
  const auto* kind = kind_of(scheme);
  if (scheme.empty()) return by_hand(name, "the data source name is not a URL");
  if (kind == nullptr) return by_hand(name, scheme + ":// is not known");
  const auto url = split_url(text, style, kind->make == make_sqlite);
  if (!url) return by_hand(name, "the data source name is not a valid URL");
  ImportedDsn dsn;
  dsn.scheme = scheme;
  dsn.host = as_label(url->authority);
  dsn.database = as_label(url->path);
  dsn.user = as_label(url->user);
  dsn.has_password = url->has_password;
  dsn.password_variable = url->password_variable;
  if (scheme.starts_with("rds-")) {
    dsn.notes.push_back("AWS tokens are not fetched: keep one in the file of the password");
    dsn.has_password = true;
  }
  if (url->has_bad_port) dsn.notes.push_back("the port is not a number: add Port= to odbc");
  note_variables(*url, dsn);
  Maker maker(*url, style, dsn);
  kind->make(maker);
  dsn.odbc = maker.finish();
  const ConnectionString string(dsn.odbc);
  dsn.dialect = string.dialect();
  // The path may be the instance.
  if (kind->make == make_sqlserver) dsn.database = as_label(string.value("Database").value_or(""));
  return dsn;
}

}  // namespace exporter::sql
