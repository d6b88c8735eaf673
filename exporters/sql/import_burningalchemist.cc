#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "common/base/text.h"
#include "common/base/time.h"
#include "exporters/sql/import_plan.h"

/// The format of burningalchemist/sql_exporter 0.24 (config/*.go), a superset of that of
/// free/sql_exporter.
namespace exporter::sql {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxFiles = 1000, kMaxPattern = 1000;
constexpr std::int64_t kMaxConnections = 50;

/// The defaults of collectors and targets.
struct Global {
  milliseconds min_interval{0}, timeout{std::chrono::seconds(10)};
  std::size_t connections = 3;
};

struct Collector {
  std::string name;
  std::vector<ImportedQuery> queries;
  std::vector<std::string> sources;
};

/// Whether the key has a value other than an empty one.
bool says(const std::optional<Yaml>& value, std::initializer_list<std::string_view> nothing) {
  return value && std::ranges::find(nothing, value->string()) == nothing.end();
}

class Reader {
 public:
  Reader(const Yaml& file, ImportPlan& plan) : file_(file), plan_(plan) {}

  void read() {
    plan_.note_unknown(file_, {"global", "collector_files", "target", "jobs", "collectors"});
    plan_.note(
        "environment variables SQLEXPORTER_* that change this configuration are not read: write "
        "what they set into the file");
    if (const auto global = file_.optional("global")) read_global(*global);
    if (const auto list = file_.optional("collectors")) {
      for (const auto& entry : list->items()) read_collector(entry);
    }
    if (const auto files = file_.optional("collector_files")) read_files(*files);
    const auto target = file_.optional("target"), jobs = file_.optional("jobs");
    if (target && jobs) jobs->fail("expected either target or jobs");
    if (target) read_target(*target);
    if (jobs) {
      for (const auto& job : jobs->items()) read_job(job);
    }
    for (auto& collector : collectors_) {
      for (auto& query : collector.queries) {
        query.sources = collector.sources;
        plan_.add_query(std::move(query));
      }
    }
  }

 private:
  void read_global(const Yaml& map) {
    plan_.note_unknown(
        map, {"min_interval", "scrape_timeout", "scrape_timeout_offset",
              "scrape_error_drop_interval", "max_connections", "max_idle_connections",
              "max_connection_lifetime", "ping_interval", "warmup_delay", "enable_query_metrics"});
    if (const auto value = map.optional("min_interval")) global_.min_interval = value->duration();
    if (const auto value = map.optional("scrape_timeout")) {
      global_.timeout = value->string().starts_with('-') ? milliseconds(0) : value->duration();
      if (global_.timeout < milliseconds(100)) {
        plan_.note(value->where(), "each query has a timeout: 10s");
        global_.timeout = std::chrono::seconds(10);
      }
    }
    if (const auto value = map.optional("max_connections")) read_connections(*value);
    note_rest_of_global(map);
  }

  void read_connections(const Yaml& value) {
    const auto count = value.integer();
    if (count < 1 || count > kMaxConnections) plan_.note(value.where(), "50 at most here");
    global_.connections =
        std::size_t(count < 1 ? kMaxConnections : std::min(count, kMaxConnections));
  }

  void note_rest_of_global(const Yaml& map) {
    const auto note = [&](std::string_view key, std::initializer_list<std::string_view> nothing,
                          const std::string& text) {
      const auto value = map.optional(key);
      if (says(value, nothing)) plan_.note(value->where(), text);
    };
    note("scrape_timeout_offset", {"500ms", "0.5s"},
         "a scrape ends half a second before the timeout of Prometheus, always");
    note("scrape_error_drop_interval", {"0s", "0"}, "errors are counters here, and stay");
    note("max_connection_lifetime", {"0s", "0"}, "a connection is kept until it fails: left out");
    note("ping_interval", {"0s", "0"}, "there are no pings here: left out");
    note("warmup_delay", {"0s", "0"}, "first runs are spread over time anyway: left out");
    note("enable_query_metrics", {"false"},
         "see exporter_collector_duration_seconds and sql_query_rows_total: left out");
    const auto idle = map.optional("max_idle_connections"), most = map.optional("max_connections");
    const auto all = most ? most->string() : "3";
    if (idle && idle->string() != all) {
      plan_.note(idle->where(), "all connections are reused: left out");
    }
  }

  void read_files(const Yaml& list) {
    for (const auto& item : list.items()) {
      const auto pattern = std::filesystem::path(item.directory()) / item.string();
      glob_t found{};
      const auto result = ::glob(pattern.c_str(), 0, nullptr, &found);
      const std::unique_ptr<glob_t, decltype(&::globfree)> owner(&found, &::globfree);
      if (result == GLOB_NOMATCH) plan_.note(item.where(), "no file matches");
      if (result != 0 && result != GLOB_NOMATCH) item.fail("cannot list the files");
      if (found.gl_pathc > kMaxFiles) item.fail("more than 1000 files");
      for (std::size_t i = 0; i < found.gl_pathc; ++i) {
        const auto file = load_imported(found.gl_pathv[i]);
        if (const auto more = file.optional("collectors")) {
          more->fail("expected one collector in a file of collector_files");
        }
        read_collector(file);
      }
    }
  }

  void read_collector(const Yaml& entry) {
    plan_.note_unknown(entry, {"collector_name", "min_interval", "metrics", "queries"});
    const auto name = entry.required("collector_name");
    Collector collector{name.string(), {}, {}};
    const auto is_same = [&](const auto& other) { return other.name == collector.name; };
    if (std::ranges::any_of(collectors_, is_same)) name.fail("duplicate collector");
    const auto own = entry.optional("min_interval");
    const bool is_global = !own || own->string().starts_with('-');
    const auto interval = is_global ? global_.min_interval : own->duration();
    if (interval > milliseconds(0) && interval < std::chrono::seconds(1)) {
      plan_.note((own ? *own : entry).where(), "1s is the shortest interval");
    }
    const auto queries = read_queries(entry);
    for (const auto& metric : entry.required("metrics").items()) {
      read_metric(metric, queries, interval, collector);
    }
    name_queries(collector);
    collectors_.push_back(std::move(collector));
  }

  using Queries = std::map<std::string, Yaml>;

  Queries read_queries(const Yaml& entry) {
    Queries queries;
    const auto list = entry.optional("queries");
    if (!list) return queries;
    for (const auto& item : list->items()) {
      // We do not prepare statements.
      plan_.note_unknown(item, {"query_name", "query", "no_prepared_statement"});
      queries.insert_or_assign(item.required("query_name").string(), item.required("query"));
    }
    return queries;
  }

  /// Adds the metric to the query with the same text, if there is one.
  void read_metric(const Yaml& entry, const Queries& queries, milliseconds interval,
                   Collector& collector) {
    auto metric = read_family(entry);
    const auto literal = entry.optional("query"), reference = entry.optional("query_ref");
    if (literal.has_value() == reference.has_value()) entry.fail("expected query or query_ref");
    const auto named = reference ? queries.find(reference->string()) : queries.end();
    if (reference && named == queries.end()) reference->fail("there is no query of this name");
    const auto text = (literal ? *literal : named->second).string();
    const auto same = std::ranges::find(collector.queries, text, &ImportedQuery::sql);
    if (same != collector.queries.end()) return same->metrics.push_back(std::move(metric));
    ImportedQuery query{.where = entry.where(),
                        .name = literal ? metric.name : named->first,
                        .sources = {},
                        .every = imported_interval(interval),
                        .timeout = global_.timeout,
                        .sql = text,
                        .parameter_sets = {},
                        .metrics = {}};
    query.metrics.push_back(std::move(metric));
    collector.queries.push_back(std::move(query));
  }

  ImportedMetric read_family(const Yaml& entry) {
    plan_.note_unknown(entry, {"metric_name", "type", "help", "key_labels", "static_labels",
                               "value_label", "values", "query", "query_ref",
                               "no_prepared_statement", "static_value", "timestamp_value"});
    ImportedMetric metric;
    metric.where = entry.where();
    metric.name = entry.required("metric_name").string();
    metric.help = entry.required("help").string();
    const auto type = entry.required("type");
    const auto kind = to_lower(type.string());
    if (kind != "counter" && kind != "gauge") type.fail("expected counter or gauge");
    metric.kind = kind == "counter" ? ImportedMetric::Kind::counter : ImportedMetric::Kind::gauge;
    if (const auto labels = entry.optional("key_labels")) {
      for (const auto& label : labels->items()) metric.labels.push_back(label.string());
    }
    if (const auto labels = entry.optional("static_labels")) {
      for (const auto& [name, value] : labels->entries()) {
        metric.fixed_labels.emplace_back(name, value.string());
      }
    }
    read_values(entry, metric);
    return metric;
  }

  void read_values(const Yaml& entry, ImportedMetric& metric) {
    const auto values = entry.optional("values"), constant = entry.optional("static_value");
    if (values) {
      for (const auto& value : values->items()) metric.values.push_back(value.string());
    }
    if (constant && !metric.values.empty()) constant->fail("expected values or static_value");
    if (constant) metric.constant = constant->number();
    if (const auto label = entry.optional("value_label"); label && !constant) {
      metric.value_label = label->string();
    }
    if (const auto time = entry.optional("timestamp_value")) {
      plan_.note(time->where(),
                 "samples have no timestamps: left out; publish it as a gauge beside " +
                     printable(metric.name, 80) + ", in seconds since 1970");
    }
  }

  static void name_queries(Collector& collector) {
    const bool is_one = collector.queries.size() == 1;
    for (auto& query : collector.queries) {
      query.name = is_one ? collector.name : collector.name + "_" + query.name;
    }
  }

  void read_target(const Yaml& target) {
    plan_.note_unknown(target, {"name", "data_source_name", "collectors", "enable_ping"});
    note_ping(target);
    const auto name = target.optional("name");
    const auto url = target.required("data_source_name");
    const auto source = plan_.add_source(url.where(), url.string(), UrlStyle::dburl,
                                         {name ? name->string() : std::string()});
    plan_.last_source().connections = global_.connections;
    if (name) plan_.last_source().labels.emplace_back("target", name->string());
    use_collectors(target.required("collectors"), {source});
  }

  void read_job(const Yaml& job) {
    plan_.note_unknown(job, {"job_name", "collectors", "enable_ping", "static_configs"});
    note_ping(job);
    const auto name = job.required("job_name").string();
    std::vector<std::string> sources;
    for (const auto& config : job.required("static_configs").items()) {
      plan_.note_unknown(config, {"targets", "labels"});
      for (const auto& [target, url] : config.required("targets").entries()) {
        sources.push_back(plan_.add_source(url.where(), url.string(), UrlStyle::dburl,
                                           {target, name + "_" + target}));
        auto& source = plan_.last_source();
        source.connections = global_.connections;
        source.labels = {{"job", name}, {"target", target}};
        add_labels(config, source.labels);
      }
    }
    plan_.note("jobs[]= of the scrape's URL is not known: all sources are on one page");
    use_collectors(job.required("collectors"), sources);
  }

  static void add_labels(const Yaml& config, ImportedLabels& labels) {
    const auto map = config.optional("labels");
    if (!map) return;
    for (const auto& [label, value] : map->entries()) labels.emplace_back(label, value.string());
  }

  void note_ping(const Yaml& entry) {
    const auto ping = entry.optional("enable_ping");
    if (ping && ping->boolean()) plan_.note(ping->where(), "there are no pings here: left out");
  }

  void use_collectors(const Yaml& patterns, const std::vector<std::string>& sources) {
    for (const auto& item : patterns.items()) {
      const auto pattern = item.string();
      if (pattern.size() > kMaxPattern) item.fail("longer than 1000 bytes");
      bool is_found = false;
      for (auto& collector : collectors_) {
        if (::fnmatch(pattern.c_str(), collector.name.c_str(), FNM_PATHNAME) != 0) continue;
        is_found = true;
        for (const auto& source : sources) {
          const bool is_new =
              std::ranges::find(collector.sources, source) == collector.sources.end();
          if (is_new) collector.sources.push_back(source);
        }
      }
      if (!is_found) plan_.note(item.where(), "there is no collector of this name");
    }
  }

  const Yaml& file_;
  ImportPlan& plan_;
  Global global_;
  std::vector<Collector> collectors_;
};

}  // namespace

void import_burningalchemist(const Yaml& file, ImportPlan& plan) { Reader(file, plan).read(); }

}  // namespace exporter::sql
