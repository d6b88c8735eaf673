#include <algorithm>

#include "common/base/text.h"
#include "common/metric/metric.h"
#include "exporters/sql/import_plan.h"

/// The format of justwatchcom/sql_exporter 0.5 (config.go, job.go, query.go).
namespace exporter::sql {
namespace {

/// The name of a query's family: "sql_" and the query's name without invalid characters.
std::string family_name(std::string_view query) {
  std::string name = "sql_";
  for (const char c : query) {
    if (valid_metric_name("_" + std::string(1, c))) name += c;
  }
  return name;
}

class Reader {
 public:
  Reader(const Yaml& file, ImportPlan& plan) : file_(file), plan_(plan) {}

  void read() {
    plan_.note_unknown(file_, {"configuration", "jobs", "queries", "cloudsql_config"});
    plan_.note(
        "a query without rows is not a failure here, and what fails shows in sql_up and "
        "exporter_collector_success");
    if (const auto configuration = file_.optional("configuration")) {
      plan_.note(configuration->where(), "buckets of the exporter's own histogram: left out");
    }
    if (const auto google = file_.optional("cloudsql_config")) {
      plan_.note(google->where(),
                 "left out: run the Cloud SQL proxy, and name its address in odbc");
    }
    if (const auto queries = file_.optional("queries")) {
      for (const auto& [name, sql] : queries->entries())
        queries_.insert_or_assign(name, sql.string());
    }
    for (const auto& job : file_.required("jobs").items()) read_job(job);
  }

 private:
  struct Job {
    std::string name;
    std::optional<std::chrono::milliseconds> every;
    std::vector<std::string> sources;
    std::string placeholder, iterator_label;
  };

  void read_job(const Yaml& entry) {
    plan_.note_unknown(entry, {"name", "interval", "cron_schedule", "keepalive", "connections",
                               "startup_sql", "iterator", "queries"});
    Job job{.name = entry.required("name").string(),
            .every = read_interval(entry),
            .sources = {},
            .placeholder = {},
            .iterator_label = {}};
    read_connections(entry, job);
    if (const auto sql = entry.optional("startup_sql"); sql && !sql->is_empty()) {
      plan_.note(sql->where(),
                 "left out: sessions are read-only and in UTC, and have a time limit, by "
                 "themselves; other settings belong to the user (ALTER ROLE ... SET)");
    }
    if (const auto iterator = entry.optional("iterator")) read_iterator(*iterator, job);
    if (const auto queries = entry.optional("queries")) {
      for (const auto& query : queries->items()) read_query(query, job);
    }
  }

  std::optional<std::chrono::milliseconds> read_interval(const Yaml& entry) {
    if (const auto cron = entry.optional("cron_schedule")) {
      const auto every = interval_of_cron(cron->string());
      plan_.note(cron->where(), "collectors run in intervals, not by a schedule: see every");
      return every;
    }
    const auto interval = entry.optional("interval");
    const auto every = interval ? imported_interval(interval->duration()) : std::nullopt;
    if (every) return every;
    plan_.note(entry.where(), "the job ran without a pause: every 1m here");
    return std::chrono::minutes(1);
  }

  /// A connection that several jobs name becomes one source.
  void read_connections(const Yaml& entry, Job& job) {
    const auto list = entry.optional("connections");
    if (!list) return;
    for (const auto& item : list->items()) {
      const auto url = item.string();
      const auto known = sources_.find(url);
      if (known != sources_.end()) {
        job.sources.push_back(known->second);
        continue;
      }
      const auto parts = import_dsn(url, job.name, UrlStyle::go_drivers);
      const auto host = parts.host.substr(0, parts.host.find(':'));
      std::vector<std::string> names{job.name};
      if (!parts.database.empty()) names = {parts.database, host + "_" + parts.database};
      const auto name = plan_.add_source(item.where(), url, UrlStyle::go_drivers, names);
      plan_.last_source().labels = labels_of(parts);
      sources_[url] = name;
      job.sources.push_back(name);
    }
  }

  static ImportedLabels labels_of(const ImportedDsn& parts) {
    if (parts.scheme.empty()) return {};
    const auto driver = parts.scheme.starts_with("rds-") ? parts.scheme.substr(4) : parts.scheme;
    return {{"driver", driver},
            {"host", parts.host},
            {"database", parts.database},
            {"user", parts.user}};
  }

  void read_iterator(const Yaml& iterator, Job& job) {
    plan_.note_unknown(iterator, {"sql", "placeholder", "label"});
    const auto placeholder = iterator.optional("placeholder"), label = iterator.optional("label");
    if (placeholder) job.placeholder = placeholder->string();
    if (label) job.iterator_label = label->string();
    plan_.note(iterator.where(),
               "a query runs once, not for each row of another: let it return all rows, with " +
                   printable(job.iterator_label, 80) + " as a column");
  }

  void read_query(const Yaml& entry, const Job& job) {
    plan_.note_unknown(entry, {"name", "help", "labels", "values", "timestamp", "query",
                               "query_ref", "allow_zero_rows"});
    const auto sql = read_sql(entry);
    if (!sql) return plan_.note(entry.where(), "left out: it has no query");
    if (!job.placeholder.empty() && sql->find(job.placeholder) != std::string::npos) {
      return plan_.note(entry.where(), "left out: the query needs the iterator");
    }
    ImportedMetric metric;
    metric.where = entry.where();
    const auto name = entry.required("name").string();
    metric.name = family_name(name);
    if (const auto help = entry.optional("help")) metric.help = help->string();
    if (const auto labels = entry.optional("labels")) {
      for (const auto& label : labels->items()) metric.labels.push_back(label.string());
    }
    if (const auto values = entry.optional("values")) {
      for (const auto& value : values->items()) metric.values.push_back(value.string());
    }
    metric.value_label = "col";
    metric.fixed_labels = {{"sql_job", job.name}};
    if (const auto time = entry.optional("timestamp")) {
      plan_.note(time->where(), "samples have no timestamps: left out");
    }
    ImportedQuery query{.where = entry.where(),
                        .name = name,
                        .sources = job.sources,
                        .every = job.every,
                        .sql = *sql,
                        .parameter_sets = {},
                        .metrics = {}};
    query.metrics.push_back(std::move(metric));
    plan_.add_query(std::move(query));
  }

  std::optional<std::string> read_sql(const Yaml& entry) {
    if (const auto query = entry.optional("query")) return query->string();
    const auto reference = entry.optional("query_ref");
    const auto found = reference ? queries_.find(reference->string()) : queries_.end();
    if (found == queries_.end()) return std::nullopt;
    return found->second;
  }

  const Yaml& file_;
  ImportPlan& plan_;
  std::map<std::string, std::string> queries_;
  std::map<std::string, std::string> sources_;  // names, by URL
};

}  // namespace

void import_justwatch(const Yaml& file, ImportPlan& plan) { Reader(file, plan).read(); }

}  // namespace exporter::sql
