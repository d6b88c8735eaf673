#include "exporters/sql/import_collectors.h"

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/metric/format.h"
#include "common/metric/samples.h"
#include "common/sql/statement.h"
#include "exporters/sql/import_names.h"
#include "exporters/sql/import_sql.h"
#include "exporters/sql/import_yaml.h"

namespace exporter::sql {
namespace {

using Kind = ImportedMetric::Kind;

constexpr std::size_t kMaxLabels = kMaxNamedLabels - 3;
constexpr std::size_t kMaxListed = 300;
constexpr std::size_t kMaxValues = 200, kMaxStates = 100, kMaxSets = 50, kMaxCollectors = 5000;
constexpr std::size_t kMaxQuery = 256 << 10, kMaxQueries = 8 << 20;

/// A source's name, escaped for a regular expression.
std::string as_regex(const std::string& name) {
  std::string result;
  for (const char c : name) result += c == '.' ? std::string("\\.") : std::string(1, c);
  return result;
}

/// A text escaped for relabelling.
std::string as_replacement(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '$' ? std::string("$$") : std::string(1, c);
  return result;
}

class Planner {
 public:
  explicit Planner(ImportPlan& plan) : plan_(plan) {
    for (const auto& source : plan.sources) sources_[source.name] = &source;
  }

  std::vector<PlannedCollector> run() {
    for (const auto& query : plan_.queries) plan_query(query);
    note_labels();
    return std::move(collectors_);
  }

 private:
  const ImportedSource& source(const std::string& name) const { return *sources_.at(name); }

  void leave_out(const std::string& where, const std::string& why) {
    plan_.note(where, "left out: " + why);
  }

  void leave_out(const ImportedQuery& query, const std::string& why) {
    std::string metrics;
    for (const auto& metric : query.metrics) metrics += (metrics.empty() ? "" : ", ") + metric.name;
    leave_out(query.where, printable(metrics, kMaxListed) + ": " + why);
  }

  void plan_query(const ImportedQuery& query) {
    if (query.metrics.empty()) return;  // its reader has reported that
    if (query.sources.empty()) return leave_out(query, "no database uses it");
    dialects_.clear();
    for (const auto& name : query.sources) dialects_.insert(source(name).dsn.dialect);
    PlannedCollector collector{{}, query.sources, query.every, query.timeout, {}, {}, {}};
    if (!plan_statement(query, collector)) return;
    const auto labels = labels_of_sources(query.sources);
    std::vector<std::pair<const ImportedMetric*, PlannedMetric>> unpivoted;
    for (const auto& imported : query.metrics) {
      auto metric = plan_metric(imported, labels);
      if (!metric) continue;
      if (needs_unpivoting(imported)) {
        unpivoted.emplace_back(&imported, std::move(*metric));
      } else {
        collector.metrics.push_back(std::move(*metric));
      }
    }
    const bool is_alone = collector.metrics.empty() && unpivoted.size() == 1;
    if (!collector.metrics.empty()) add(query.name, collector);
    for (auto& [imported, metric] : unpivoted) {
      unpivot(is_alone ? query.name : query.name + "_" + imported->name, *imported,
              std::move(metric), collector);
    }
  }

  void add(const std::string& name, PlannedCollector collector) {
    collector.name = names_.take_collector(name);
    size_ += collector.query.size();
    if (collectors_.size() == kMaxCollectors || size_ > kMaxQueries) {
      throw Error(Reason::config, "more than 5000 collectors, or 8 MiB of queries");
    }
    collectors_.push_back(std::move(collector));
  }

  /// The dialect for quoting names, for all sources of the query; nothing if they differ.
  std::optional<Dialect> quoting() const {
    std::optional<Dialect> first;
    for (const auto dialect : dialects_) {
      if (!first) first = dialect;
      if (quoted_name("a", dialect) != quoted_name("a", *first)) return std::nullopt;
    }
    return first;
  }

  bool plan_statement(const ImportedQuery& query, PlannedCollector& collector) {
    const auto dialect = *dialects_.begin();
    collector.query = without_end(query.sql, dialect);
    if (collector.query.size() > kMaxQuery) {
      leave_out(query, "the query is longer than 256 KiB");
      return false;
    }
    if (!query.parameter_sets.empty() && !set_parameters(query, dialect, collector)) return false;
    try {
      for (const auto each : dialects_) {
        const auto used = Statement(collector.query, each).parameters();
        for (const auto& name : used) {
          if (collector.parameters.contains(name)) continue;
          leave_out(query, ":" + name + " in the query would be a parameter");
          return false;
        }
        std::erase_if(collector.parameters, [&](const auto& parameter) {
          return std::ranges::find(used, parameter.first) == used.end();
        });
      }
    } catch (const Error& error) {
      const std::string why = error.what();
      const bool is_several = why.find("one statement") != std::string::npos;
      leave_out(query, why + (is_several ? "; use a view or a procedure for the rest" : ""));
      return false;
    }
    return true;
  }

  bool set_parameters(const ImportedQuery& query, Dialect dialect, PlannedCollector& collector) {
    const auto& sets = query.parameter_sets;
    const bool is_one = sets.size() == 1;
    if (sets.size() > kMaxSets) {
      leave_out(query, "more than 50 sets of parameters; let the query return a row for each");
      return false;
    }
    if (!is_one && !is_subquery(collector.query, dialect)) {
      leave_out(query, "several sets of parameters need a query that begins with SELECT");
      return false;
    }
    std::vector<std::string> queries;
    for (std::size_t i = 0; i < sets.size(); ++i) {
      std::map<std::string, std::string> names;
      for (const auto& [name, value] : sets[i]) {
        names[name] = is_one && name != "now" ? name : name + "_" + std::to_string(i + 1);
        collector.parameters[names[name]] = value;
      }
      queries.push_back(with_parameters(collector.query, dialect, names));
    }
    collector.query = is_one ? queries.front() : united(queries);
    if (!is_one) {
      plan_.note(query.where,
                 "the query runs once with all sets of parameters, by UNION ALL: a column must "
                 "identify the set");
    }
    return true;
  }

  static bool needs_unpivoting(const ImportedMetric& metric) {
    return metric.values.size() > 1 || std::ranges::any_of(metric.labels, [](const auto& label) {
             return kept_label(label) != label;
           });
  }

  /// A collector for one metric, whose query returns a row for each value.
  void unpivot(const std::string& name, const ImportedMetric& imported, PlannedMetric metric,
               PlannedCollector collector) {
    const auto dialect = quoting();
    if (!dialect || !is_subquery(collector.query, *dialect)) {
      return leave_out(imported.where, metric.name +
                                           ": give it a query of its own with one column of values "
                                           "and one for each label");
    }
    Unpivoting how{.labels = {}, .value_label = imported.value_label, .values = imported.values};
    for (const auto& label : imported.labels) how.labels.emplace_back(label, *kept_label(label));
    if (!how.values.empty()) {
      if (!how.value_label.empty()) metric.labels.push_back(how.value_label);
      metric.value = kUnpivotedValue;
    }
    collector.query = unpivoted(collector.query, *dialect, how);
    collector.metrics.clear();
    collector.metrics.push_back(std::move(metric));
    plan_.note_each(
        "queries that are rewritten by WITH, as a metric has one column of values and its labels "
        "are called as their columns; see each with --explain:",
        imported.where, imported.name);
    add(name, std::move(collector));
  }

  static std::string type_of(const ImportedMetric& metric) {
    if (metric.kind == Kind::states) return "enum";
    const bool is_total = metric.name.ends_with("_total");
    if (metric.kind == Kind::counter && is_total) return "counter";
    constexpr std::string_view kSuffixes[] = {"_total", "_bucket", "_count", "_sum"};
    const bool is_reserved =
        std::ranges::any_of(kSuffixes, [&](auto suffix) { return metric.name.ends_with(suffix); });
    if (metric.kind == Kind::gauge && !is_reserved) return "gauge";
    return "untyped";
  }

  void note_untyped(const ImportedMetric& metric) {
    plan_.note_each(
        metric.kind == Kind::counter
            ? "counters that are untyped here, as the name of a counter ends in _total; "
              "their names stay, and rate() takes them as before:"
            : "gauges that are untyped here, as only other types have names with such an "
              "end; their names stay:",
        metric.where, metric.name);
  }

  std::optional<PlannedMetric> plan_metric(const ImportedMetric& imported,
                                           const ImportedLabels& of_sources) {
    const auto refuse = [&](const std::string& why) {
      leave_out(imported.where, printable(imported.name, 80) + ": " + why);
      return std::nullopt;
    };
    if (!valid_metric_name(imported.name)) return refuse("not the name of a metric");
    if (const auto wrong = wrong_columns(imported); !wrong.empty()) return refuse(wrong);
    PlannedMetric metric{.name = imported.name,
                         .type = {},
                         .help = imported.help.empty() ? imported.name : imported.help,
                         .value = {},
                         .labels = {},
                         .fixed_labels = {},
                         .states = imported.states};
    if (imported.constant) {
      append_value(metric.value, *imported.constant);
    } else {
      metric.value = imported.values.front();
    }
    if (const auto wrong = set_labels(imported, of_sources, metric); !wrong.empty()) {
      return refuse(wrong);
    }
    metric.type = type_of(imported);
    const bool is_untyped = metric.type == "untyped";
    const auto type = metric.type == "counter" ? MetricType::counter
                      : is_untyped             ? MetricType::untyped
                                               : MetricType::gauge;
    if (!names_.take_family(metric.name, type)) {
      return refuse(
          "the name is taken, and a metric belongs to one collector: join the queries, or "
          "give it another name");
    }
    if (is_untyped) note_untyped(imported);
    return metric;
  }

  /// Returns what is wrong with them, if anything.
  std::string set_labels(const ImportedMetric& imported, const ImportedLabels& of_sources,
                         PlannedMetric& metric) {
    std::set<std::string> names;
    if (imported.kind == Kind::states) names.insert("state");
    for (const auto& label : imported.labels) {
      metric.labels.push_back(*kept_label(label));
      if (!names.insert(metric.labels.back()).second) return "duplicate label " + label;
    }
    if (!imported.value_label.empty()) {
      if (!names.insert(imported.value_label).second) {
        return "duplicate label " + imported.value_label;
      }
      if (!needs_unpivoting(imported)) {
        metric.fixed_labels.emplace_back(imported.value_label, metric.value);
      }
    }
    add_fixed_labels(imported, imported.fixed_labels, names, metric);
    add_fixed_labels(imported, of_sources, names, metric);
    return names.size() > kMaxLabels ? "more than 13 labels" : "";
  }

  void add_fixed_labels(const ImportedMetric& imported, const ImportedLabels& labels,
                        std::set<std::string>& names, PlannedMetric& metric) {
    for (const auto& [label, value] : labels) {
      if (value.empty()) continue;  // equals a missing label
      const auto kept = kept_label(label);
      if (!kept || !names.insert(*kept).second) {
        plan_.note(imported.where, imported.name + ": the label " + printable(label, 80) +
                                       " is reserved or a duplicate, left out");
        continue;
      }
      metric.fixed_labels.emplace_back(*kept, value);
    }
  }

  /// What is wrong with the columns for values and labels.
  static std::string wrong_columns(const ImportedMetric& metric) {
    if (metric.values.empty() && !metric.constant) return "no column of values";
    if (metric.values.size() > kMaxValues) return "more than 200 columns of values";
    for (const auto& column : metric.values) {
      if (column.empty() || parse_number<double>(column)) {
        return "the column of values needs a name that is not a number";
      }
    }
    if (metric.values.size() > 1 && metric.value_label.empty()) return "no label for the values";
    if (!metric.value_label.empty() && kept_label(metric.value_label) != metric.value_label) {
      return "the label " + printable(metric.value_label, 80) + " is reserved";
    }
    const std::set<std::string> states(metric.states.begin(), metric.states.end());
    const bool has_states = !states.empty() && states.size() <= kMaxStates;
    if (metric.kind == Kind::states && (!has_states || states.size() != metric.states.size())) {
      return "expected 1 to 100 states, each once";
    }
    for (const auto& label : metric.labels) {
      if (!kept_label(label)) {
        return "the label " + printable(label, 80) +
               " is reserved: give the column another name in the query";
      }
    }
    return {};
  }

  /// The labels that all of these sources have in common; notes those in which they differ.
  ImportedLabels labels_of_sources(const std::vector<std::string>& names) {
    auto common = source(names.front()).labels;
    for (const auto& name : names) {
      const auto& own = source(name).labels;
      std::erase_if(common,
                    [&](const auto& label) { return std::ranges::find(own, label) == own.end(); });
    }
    for (const auto& name : names) {
      for (const auto& label : source(name).labels) {
        if (label.second.empty()) continue;
        const bool is_common = std::ranges::find(common, label) != common.end();
        if (!is_common) differing_[label.first][name] = label.second;
      }
    }
    return common;
  }

  /// How to add the labels in Prometheus that a collector of several sources cannot have.
  void note_labels() {
    if (differing_.empty()) return;
    plan_.note(
        "labels that differ between the databases of a collector are left out: the label source "
        "tells them apart. To keep them, add to Prometheus' job:\nmetric_relabel_configs:");
    for (const auto& [label, values] : differing_) {
      if (!valid_label_name(label)) continue;
      const auto kept = kept_label(label).value_or("exported_" + label);
      const bool is_source =
          std::ranges::all_of(values, [](const auto& each) { return each.first == each.second; });
      if (is_source) {
        plan_.notes.back() += "\n- {source_labels: [source], target_label: " + kept + "}";
        continue;
      }
      for (const auto& [name, value] : values) {
        plan_.notes.back() += "\n- {source_labels: [source], regex: " + as_yaml(as_regex(name)) +
                              ", target_label: " + kept +
                              ", replacement: " + as_yaml(as_replacement(value)) + "}";
      }
    }
  }

  ImportPlan& plan_;
  std::map<std::string, const ImportedSource*> sources_;
  ImportedNames names_;
  std::set<Dialect> dialects_;  ///< of the sources of the query
  std::vector<PlannedCollector> collectors_;
  std::size_t size_ = 0;
  std::map<std::string, std::map<std::string, std::string>> differing_;  // by label and source
};

}  // namespace

std::vector<PlannedCollector> plan_collectors(ImportPlan& plan) { return Planner(plan).run(); }

}  // namespace exporter::sql
