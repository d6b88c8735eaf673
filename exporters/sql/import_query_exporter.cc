#include <algorithm>
#include <filesystem>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/percent.h"
#include "common/base/text.h"
#include "exporters/sql/import_plan.h"
#include "exporters/sql/import_yaml.h"

/// The format of albertodonato/query-exporter 5.0 (schema.py, docs/configuration.rst).
namespace exporter::sql {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxSql = 1 << 20;
constexpr std::size_t kMaxSets = 51;  // of parameters: one more than can be converted
constexpr std::int64_t kMaxConnections = 50;
constexpr int kMaxIncluded = 10;

std::string path_of(const Yaml& value) {
  return std::filesystem::path(value.directory()) / value.string();
}

/// The value, or the content of the file that !include names.
Yaml included(Yaml value) {
  for (int i = 0; value.tag() == "!include"; ++i) {
    if (i == kMaxIncluded) value.fail("included by more than 10 files");
    value = load_imported(path_of(value));
  }
  return value;
}

/// The keys of a map, each with its value after !include.
std::vector<std::pair<std::string, Yaml>> entries_of(const Yaml& map) {
  auto entries = included(map).entries();
  for (auto& [key, value] : entries) value = included(value);
  return entries;
}

std::string sql_of(const Yaml& value) {
  if (value.tag() != "!file") return value.string();
  try {
    auto text = read_file_within(path_of(value), kMaxSql, std::chrono::seconds(30));
    if (text.size() > kMaxSql || !valid_utf8(text)) value.fail("expected 1 MiB of UTF-8 at most");
    return text;
  } catch (const Error& error) {
    if (error.reason() == Reason::io) value.fail(error.what());
    throw;
  }
}

/// "5m", "300" and 300.
milliseconds interval_of(const Yaml& value) {
  const auto text = value.string();
  const auto is_number = parse_number<std::uint32_t>(text);
  return is_number ? std::chrono::seconds(*is_number) : value.duration();
}

/// `\:` is a colon that does not start a parameter.
std::string without_escapes(std::string_view sql) {
  std::string result;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (!sql.substr(i).starts_with("\\:")) result += sql[i];
  }
  return result;
}

class Reader {
 public:
  Reader(const Yaml& file, ImportPlan& plan) : file_(file), plan_(plan) {}

  void read() {
    plan_.note_unknown(file_, {"databases", "metrics", "queries", "builtin-metrics"});
    plan_.note(
        "a query without a timeout has one of 10s, and a row that is gone takes its series "
        "with it");
    if (const auto own = file_.optional("builtin-metrics"); own && own->is_map()) {
      plan_.note(own->where(), "left out: see exporter_collector_duration_seconds and sql_query_*");
    }
    for (const auto& [name, entry] : entries_of(file_.required("databases"))) {
      read_database(name, entry);
    }
    if (const auto map = file_.optional("metrics")) {
      for (const auto& [name, entry] : entries_of(*map)) read_metric(name, entry);
    }
    if (const auto map = file_.optional("queries")) {
      for (const auto& [name, entry] : entries_of(*map)) read_query(name, entry);
    }
  }

 private:
  void read_database(const std::string& name, const Yaml& entry) {
    plan_.note_unknown(entry, {"dsn", "connection-pool", "connect-sql", "labels"});
    const auto dsn = included(entry.required("dsn"));
    sources_[name] = plan_.add_source(dsn.where(), url_of(dsn), UrlStyle::sqlalchemy, {name});
    auto& source = plan_.last_source();
    source.labels.emplace_back("database", name);
    source.connections = read_pool(entry);
    if (const auto sql = entry.optional("connect-sql")) {
      plan_.note(sql->where(),
                 "left out: sessions are read-only and in UTC, and have a time limit, by "
                 "themselves; other settings belong to the user (ALTER ROLE ... SET)");
    }
    if (const auto labels = entry.optional("labels")) {
      for (const auto& [label, value] : entries_of(*labels)) {
        if (!is_in_environment(value)) source.labels.emplace_back(label, value.string());
      }
    }
  }

  static std::size_t read_pool(const Yaml& entry) {
    const auto pool = entry.optional("connection-pool");
    if (!pool) return 1;
    const auto size = pool->optional("size"), more = pool->optional("max-overflow");
    const auto count = (size ? size->integer() : 1) + (more ? more->integer() : 0);
    return std::size_t(std::clamp<std::int64_t>(count, 1, kMaxConnections));
  }

  /// The data source name, with environment variables as {{NAME}}.
  std::string url_of(const Yaml& dsn) {
    const auto part = [&](std::string_view key) -> std::string {
      const auto value = dsn.optional(key);
      if (!value) return {};
      return value->tag() == "!env" ? "{{" + value->string() + "}}"
                                    : percent_encoded(value->string());
    };
    if (dsn.tag() == "!env") return "{{" + dsn.string() + "}}";
    if (!dsn.is_map()) return without_braces(dsn.string());
    plan_.note_unknown(dsn, {"dialect", "user", "password", "host", "port", "database", "options"});
    const auto user = part("user"), password = part("password"), port = part("port");
    auto url = dsn.required("dialect").string() + "://" + user;
    if (!password.empty()) url += ":" + password;
    if (!user.empty() || !password.empty()) url += "@";
    url += part("host") + (port.empty() ? "" : ":" + port) + "/" + part("database");
    std::string separator = "?";
    const auto options = dsn.optional("options");
    if (!options) return url;
    for (const auto& [name, value] : options->entries()) {
      if (value.is_sequence()) continue;
      url += std::exchange(separator, "&") + percent_encoded(name) + "=" +
             percent_encoded(value.string());
    }
    return url;
  }

  /// Braces in the URL itself are not variables.
  static std::string without_braces(std::string_view url) {
    std::string result;
    for (const char c : url) result += c == '{' ? std::string("%7B") : std::string(1, c);
    return result;
  }

  bool is_in_environment(const Yaml& value) {
    if (value.tag() != "!env") return false;
    plan_.note(value.where(), "in an environment variable: left out");
    return true;
  }

  void read_metric(const std::string& name, const Yaml& entry) {
    plan_.note_unknown(
        entry, {"type", "description", "labels", "buckets", "states", "expiration", "increment"});
    ImportedMetric metric;
    metric.where = entry.where();
    metric.name = name;
    metric.values = {name};
    if (const auto help = entry.optional("description")) {
      metric.help = std::string(trim(help->string()));
    }
    if (const auto labels = entry.optional("labels")) {
      for (const auto& label : labels->items()) metric.labels.push_back(label.string());
    }
    if (const auto time = entry.optional("expiration")) {
      plan_.note(time->where(), "left out: a row that is gone takes its series with it");
    }
    auto& known = metrics_[name];
    if (read_type(name, entry, metric)) known = std::move(metric);
  }

  /// Whether the metric can be converted.
  bool read_type(const std::string& name, const Yaml& entry, ImportedMetric& metric) {
    const auto type = entry.required("type");
    const auto text = type.string();
    const auto increment = entry.optional("increment");
    if (text == "counter" && increment && increment->boolean()) {
      plan_.note(increment->where(), "left out: " + name +
                                         " adds what each poll returns, twice if it returns it "
                                         "twice; count rows with events: instead");
      return false;
    }
    if (text == "histogram" || text == "summary") {
      plan_.note(type.where(), name +
                                   ": a gauge of the value now, as polls are no "
                                   "observations; a histogram of rows needs events: with "
                                   "buckets, or a query that counts them");
    } else if (text == "counter") {
      metric.kind = ImportedMetric::Kind::counter;
    } else if (text == "enum") {
      metric.kind = ImportedMetric::Kind::states;
      for (const auto& state : entry.required("states").items()) {
        metric.states.push_back(state.string());
      }
      if (name != "state") {
        plan_.note(type.where(), name + ": the label of the state is `state`, not " + name);
      }
    } else if (text != "gauge") {
      type.fail("expected counter, enum, gauge, histogram or summary");
    }
    return true;
  }

  void read_query(const std::string& name, const Yaml& entry) {
    plan_.note_unknown(
        entry, {"databases", "metrics", "sql", "interval", "parameters", "schedule", "timeout"});
    ImportedQuery query{.where = entry.where(),
                        .name = name,
                        .sources = {},
                        .every = read_interval(entry),
                        .sql = without_escapes(sql_of(entry.required("sql"))),
                        .parameter_sets = {},
                        .metrics = {}};
    for (const auto& item : entry.required("databases").items()) {
      const auto found = sources_.find(item.string());
      if (found == sources_.end()) item.fail("there is no database of this name");
      query.sources.push_back(found->second);
    }
    for (const auto& item : entry.required("metrics").items()) {
      const auto found = metrics_.find(item.string());
      if (found == metrics_.end()) item.fail("there is no metric of this name");
      if (!found->second) continue;
      query.metrics.push_back(*found->second);
      query.metrics.back().where = item.where();
    }
    if (const auto timeout = entry.optional("timeout"); timeout && !is_in_environment(*timeout)) {
      const auto seconds = std::clamp(timeout->number(), 0.1, 3600.0);
      query.timeout = milliseconds(std::int64_t(seconds * 1000 + 0.5));
    }
    if (const auto parameters = entry.optional("parameters")) {
      query.parameter_sets = read_parameters(included(*parameters));
    }
    plan_.add_query(std::move(query));
  }

  std::optional<milliseconds> read_interval(const Yaml& entry) {
    if (const auto cron = entry.optional("schedule"); cron && !is_in_environment(*cron)) {
      plan_.note(cron->where(), "collectors run in intervals, not by a schedule: see every");
      return interval_of_cron(cron->string());
    }
    const auto interval = entry.optional("interval");
    if (!interval || is_in_environment(*interval)) return std::nullopt;
    return imported_interval(interval_of(*interval));
  }

  static std::string value_of(const Yaml& value) {
    try {
      value.number();
      return value.string();
    } catch (const Error&) {
      return as_yaml(value.string());
    }
  }

  static std::vector<ImportedParameters> read_sets(const Yaml& list, const std::string& prefix) {
    std::vector<ImportedParameters> sets;
    for (const auto& item : list.items()) {
      if (sets.size() == kMaxSets) break;
      auto& set = sets.emplace_back();
      for (const auto& [name, value] : item.entries()) set[prefix + name] = value_of(value);
    }
    if (sets.empty()) list.fail("expected at least one set of parameters");
    return sets;
  }

  /// A list of sets, or lists whose combinations are the sets.
  static std::vector<ImportedParameters> read_parameters(const Yaml& parameters) {
    if (parameters.is_sequence()) return read_sets(parameters, {});
    std::vector<ImportedParameters> all{{}};
    for (const auto& [name, list] : parameters.entries()) {
      const auto own = read_sets(list, name + "__");
      std::vector<ImportedParameters> combined;
      for (const auto& set : all) {
        for (auto more : own) {
          if (combined.size() == kMaxSets) break;
          more.insert(set.begin(), set.end());
          combined.push_back(std::move(more));
        }
      }
      all = std::move(combined);
    }
    return all;
  }

  const Yaml& file_;
  ImportPlan& plan_;
  std::map<std::string, std::string> sources_;                    // by the database's name
  std::map<std::string, std::optional<ImportedMetric>> metrics_;  // nothing if it is left out
};

}  // namespace

void import_query_exporter(const Yaml& file, ImportPlan& plan) { Reader(file, plan).read(); }

}  // namespace exporter::sql
