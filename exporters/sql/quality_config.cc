#include "exporters/sql/quality_config.h"

#include <algorithm>
#include <array>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/metric/format.h"
#include "common/sql/statement.h"
#include "common/sql/tokens.h"
#include "exporters/sql/dialect_sql.h"

namespace exporter::sql {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

// The severities of the alerts, by which Alertmanager routes.
constexpr std::array<std::string_view, 3> kSeverities{"critical", "warning", "info"};
constexpr std::size_t kMaxChecks = 200;  // of a table
// The keys of `references` besides the columns.
constexpr std::array<std::string_view, 3> kOfReferences{"every", "owner", "severity"};

/// `(SQL)`, with a line break so that a comment at its end does not continue.
std::string in_brackets(const std::string& sql) { return "(" + sql + "\n)"; }

std::string number(double value) {
  std::string text;
  append_value(text, value);
  return text;
}

double read_ratio(const Yaml& value) {
  const auto ratio = value.number();
  if (ratio < 0 || ratio > 1) value.fail("expected a ratio from 0 to 1");
  return ratio;
}

/// As in YAML: 5 is a number, "5" is a text.
std::string read_literal(const Yaml& value, Dialect dialect) {
  try {
    return number(value.number());
  } catch (const Error&) {
    return literal(value.string(), dialect);
  }
}

RowCheck read_accepted(const std::string& column, const Yaml& list, Dialect dialect) {
  std::string values;
  for (const auto& item : list.items()) {
    values += (values.empty() ? "" : ", ") + read_literal(item, dialect);
  }
  if (values.empty()) list.fail("expected at least one value");
  return {"accepted", column, in_brackets(column) + " NOT IN (" + values + ")", 0};
}

RowCheck read_range(const std::string& column, const Yaml& range) {
  std::optional<double> min, max;
  if (range.is_sequence()) {
    const auto items = range.items();
    if (items.size() != 2) range.fail("expected [smallest, largest]");
    min = items[0].number();
    max = items[1].number();
  } else {
    if (const auto value = range.optional("min")) min = value->number();
    if (const auto value = range.optional("max")) max = value->number();
  }
  if (!min && !max) range.fail("expected [smallest, largest], {min: ...} or {max: ...}");
  if (min && max && *min > *max) range.fail("the smallest is larger than the largest");
  const auto sql = in_brackets(column);
  std::string condition;
  if (min) condition = sql + " < " + number(*min);
  if (max) condition += (min ? " OR " : "") + sql + " > " + number(*max);
  return {"range", column, condition, 0};
}

/// Reads the row checks of one table.
class RowChecksReader {
 public:
  RowChecksReader(const Yaml& entry, const TableConfig& table, Dialect dialect)
      : entry_(entry), table_(table), dialect_(dialect) {}

  std::vector<RowCheck> read() {
    each("not_null", [&](const std::string& column, const Yaml& limit) {
      if (column == table_.time && table_.window) {
        limit.fail("a row without a time is outside the window: this check would never fail");
      }
      return RowCheck{"not_null", column, in_brackets(column) + " IS NULL", read_ratio(limit)};
    });
    each("accepted", [&](const std::string& column, const Yaml& list) {
      return read_accepted(column, list, dialect_);
    });
    each("range",
         [&](const std::string& column, const Yaml& range) { return read_range(column, range); });
    each("rows_where", [&](const std::string& name, const Yaml& condition) {
      return RowCheck{"rows_where", name, in_brackets(read_timed_sql(condition, dialect_)), 0};
    });
    if (const auto late = entry_.optional("late")) read_late(*late);
    if (checks_.size() > kMaxChecks) entry_.fail("more than 200 checks of one table");
    return std::move(checks_);
  }

 private:
  template <class Read>
  void each(std::string_view key, const Read& read) {
    const auto map = entry_.optional(key);
    if (!map) return;
    for (const auto& [name, value] : map->entries()) {
      check_timed_sql(value, name, dialect_);
      checks_.push_back(read(name, value));
    }
  }

  void read_late(const Yaml& late) {
    if (table_.time.empty() || table_.loaded.empty()) {
      late.fail("a row is late by the columns `time` and `loaded`: expected both");
    }
    const auto after = late.required("after");
    const auto by = std::chrono::floor<std::chrono::seconds>(after.duration());
    if (by < std::chrono::seconds(1)) after.fail("expected a duration of at least 1s");
    checks_.push_back({"late", table_.loaded, is_later(table_.loaded, table_.time, by, dialect_),
                       read_ratio(late.required("ratio"))});
  }

  const Yaml& entry_;
  const TableConfig& table_;
  const Dialect dialect_;
  std::vector<RowCheck> checks_;
};

double read_positive(const Yaml& map, std::string_view key, double fallback) {
  const auto value = map.optional(key);
  if (!value) return fallback;
  const auto number = value->number();
  if (number < 0) value->fail("expected a number of at least 0");
  return number;
}

VolumeConfig read_volume(const Yaml& volume) {
  const auto period = volume.required("period");
  const auto length = std::chrono::floor<minutes>(period.duration());
  if (length < minutes(15) || hours(24) % length != minutes(0)) {
    period.fail("expected a day or a part of one that divides it: 1d, 6h, 1h, 15m");
  }
  VolumeConfig config{.periods = {read_zone(volume), length, read_duration(volume, "delay", {})},
                      .weeks = 4,
                      .min = read_positive(volume, "min", 0.5),
                      .max = read_positive(volume, "max", 3),
                      .rows = read_positive(volume, "rows", 50)};
  if (const auto weeks = volume.optional("weeks")) {
    const auto count = weeks->integer();
    if (count < 3 || count > 26) weeks->fail("expected 3 to 26");
    config.weeks = int(count);
  }
  if (config.min > config.max) volume.fail("min: larger than max");
  return config;
}

/// A column, or a list of them.
std::vector<std::string> read_columns(const Yaml& list, Dialect dialect) {
  std::vector<std::string> columns;
  if (!list.is_sequence()) return {read_sql(list, dialect)};
  for (const auto& item : list.items()) columns.push_back(read_sql(item, dialect));
  if (columns.empty()) list.fail("expected at least one column");
  return columns;
}

KeyConfig read_key(const Yaml& key, const Concern& concern, Dialect dialect) {
  if (!key.is_map()) return {read_columns(key, dialect), hours(1), concern};
  KeyConfig config{read_columns(key.required("columns"), dialect),
                   read_duration(key, "every", hours(1)), read_concern(key, concern)};
  if (config.every < minutes(1)) key.required("every").fail("expected a duration of at least 1m");
  return config;
}

/// `table.column`; the table may contain dots too.
ReferenceConfig read_reference(const std::string& column, const Yaml& target, Dialect dialect) {
  check_sql(target, column, dialect);
  const auto text = read_sql(target, dialect);
  const auto dot = text.rfind('.');
  if (dot == text.npos || dot == 0 || dot + 1 == text.size()) {
    target.fail("expected TABLE.COLUMN, such as customers.id");
  }
  return {column, text.substr(0, dot), text.substr(dot + 1), {}, {}};
}

std::vector<ReferenceConfig> read_references(const Yaml& map, const Concern& concern,
                                             Dialect dialect) {
  const auto every = read_duration(map, "every", hours(6));
  if (every < minutes(1)) map.required("every").fail("expected a duration of at least 1m");
  const auto own = read_concern(map, concern);
  std::vector<ReferenceConfig> references;
  for (const auto& [name, target] : map.entries()) {
    if (std::ranges::find(kOfReferences, name) != kOfReferences.end()) continue;
    references.push_back(read_reference(name, target, dialect));
    references.back().every = every;
    references.back().concern = own;
  }
  if (references.empty()) map.fail("expected COLUMN: TABLE.COLUMN, such as customer: customers.id");
  return references;
}

void read_max_age(const Yaml& entry, TableConfig& table) {
  const auto max_age = entry.optional("max_age");
  if (!max_age) return;
  if (table.time.empty() && table.loaded.empty()) {
    max_age->fail("expected `time`, the column of the time of a row, or `loaded`");
  }
  if (!max_age->is_map()) {
    (table.time.empty() ? table.max_load_age : table.max_age) = max_age->duration();
    return;
  }
  if (const auto age = max_age->optional("event")) {
    if (table.time.empty()) age->fail("expected `time`, the column of the time of a row");
    table.max_age = age->duration();
  }
  if (const auto age = max_age->optional("loaded")) {
    if (table.loaded.empty()) age->fail("expected `loaded`, the column of the time of loading");
    table.max_load_age = age->duration();
  }
}

void read_schema(const Yaml& entry, TableConfig& table) {
  const auto schema = entry.optional("schema");
  if (!schema) return;
  table.watches_schema = true;
  if (schema->is_sequence()) {
    for (const auto& item : schema->items()) table.columns.push_back({item.string(), {}});
  } else if (schema->is_map()) {
    for (const auto& [name, type] : schema->entries()) {
      table.columns.push_back({name, type.string()});
      if (table.columns.back().type.find('(') != std::string::npos)
        type.fail("expected a type without a size");
    }
  } else if (schema->string() != "watch") {
    schema->fail(
        "expected `watch`, or the columns that must be there: a list, or with their types");
  }
}

std::string read_column(const Yaml& entry, std::string_view key, Dialect dialect) {
  const auto value = entry.optional(key);
  return value ? read_timed_sql(*value, dialect) : std::string();
}

TableConfig read_table(const std::string& name, const Yaml& entry, const Concern& concern,
                       Dialect dialect) {
  TableConfig table;
  check_sql(entry, name, dialect);
  table.name = name;
  const auto dataset = entry.optional("dataset");
  table.dataset = dataset ? dataset->string() : dataset_of(name);
  table.concern = read_concern(entry, concern);
  table.time = read_column(entry, "time", dialect);
  table.loaded = read_column(entry, "loaded", dialect);
  if (const auto window = entry.optional("window")) {
    if (table.time.empty()) window->fail("expected `time`, the column of the time of a row");
    table.window = window->duration();
    if (*table.window < minutes(1)) window->fail("expected a duration of at least 1m");
  }
  read_max_age(entry, table);
  table.rows = RowChecksReader(entry, table, dialect).read();
  if (const auto volume = entry.optional("volume")) {
    if (table.time.empty()) volume->fail("expected `time`, the column of the time of a row");
    table.volume = read_volume(*volume);
  }
  if (const auto key = entry.optional("key")) table.key = read_key(*key, table.concern, dialect);
  if (const auto references = entry.optional("references")) {
    table.references = read_references(*references, table.concern, dialect);
  }
  read_schema(entry, table);
  return table;
}

QualityConfig read_source(const Yaml& entry, Dialect dialect) {
  QualityConfig config{
      read_duration(entry, "every", minutes(10)), std::chrono::seconds(60), minutes(5), {}};
  if (config.every < std::chrono::seconds(1)) {
    entry.required("every").fail("expected a duration of at least 1s");
  }
  if (const auto budget = entry.optional("budget")) {
    config.timeout = read_duration(*budget, "timeout", config.timeout);
    config.per_hour = read_duration(*budget, "per_hour", config.per_hour);
    if (config.timeout < std::chrono::seconds(1)) {
      budget->required("timeout").fail("expected a duration of at least 1s");
    }
  }
  const auto concern = read_concern(entry);
  std::set<std::string> datasets;
  for (const auto& [name, table] : entry.required("tables").entries()) {
    config.tables.push_back(read_table(name, table, concern, dialect));
    if (!datasets.insert(config.tables.back().dataset).second) table.fail("duplicate dataset");
  }
  if (config.tables.empty()) entry.required("tables").fail("expected at least one table");
  return config;
}

/// The parameters of an SQL fragment.
std::vector<std::string> parameters_in(const Yaml& where, std::string_view text, Dialect dialect) {
  for (auto rest = text; !rest.empty();) {
    if (next_token(rest, dialect).kind == Token::Kind::semicolon) {
      where.fail("expected a part of a statement, without a semicolon");
    }
  }
  try {
    return Statement(text, dialect).parameters();
  } catch (const Error& error) {
    where.fail(error.what());
  }
}

}  // namespace

milliseconds read_duration(const Yaml& map, std::string_view key, milliseconds fallback) {
  const auto value = map.optional(key);
  return value ? value->duration() : fallback;
}

Concern read_concern(const Yaml& map, const Concern& fallback) {
  auto concern = fallback;
  if (const auto owner = map.optional("owner")) concern.owner = owner->string();
  if (const auto severity = map.optional("severity")) {
    concern.severity = severity->string();
    if (std::ranges::find(kSeverities, concern.severity) == kSeverities.end()) {
      severity->fail("expected critical, warning or info");
    }
  }
  return concern;
}

TimeZone read_zone(const Yaml& map) {
  const auto zone = map.optional("zone");
  if (!zone) return {};
  try {
    return TimeZone::load(zone->string());
  } catch (const Error& error) {
    zone->fail(error.what());
  }
}

void check_sql(const Yaml& where, std::string_view text, Dialect dialect) {
  for (const auto& name : parameters_in(where, text, dialect)) {
    where.fail("the parameter :" + name + " is not known here");
  }
}

void check_timed_sql(const Yaml& where, std::string_view text, Dialect dialect) {
  for (const auto& name : parameters_in(where, text, dialect)) {
    if (name != "now")
      where.fail("the parameter :" + name + " is unknown here; only :now is known");
  }
}

std::string dataset_of(std::string_view table) {
  auto dataset = to_lower(table);
  std::erase_if(dataset, [](char c) { return c == '"' || c == '`' || c == '[' || c == ']'; });
  return dataset;
}

std::string read_sql(const Yaml& value, Dialect dialect) {
  auto text = value.string();
  check_sql(value, text, dialect);
  return text;
}

std::string read_timed_sql(const Yaml& value, Dialect dialect) {
  auto text = value.string();
  check_timed_sql(value, text, dialect);
  return text;
}

std::optional<QualityConfig> read_quality(const Yaml& file, const std::string& source,
                                          const std::vector<std::string>& sources,
                                          Dialect dialect) {
  std::optional<QualityConfig> config;
  const auto map = file.optional("quality");
  if (!map) return config;
  for (const auto& [name, entry] : map->entries()) {
    if (std::ranges::find(sources, name) == sources.end())
      entry.fail("there is no source of this name");
    if (name == source) config = read_source(entry, dialect);
  }
  return config;
}

}  // namespace exporter::sql
