#include "exporters/sql/collector_config.h"

#include <algorithm>
#include <array>
#include <set>

#include "common/base/error.h"
#include "common/collect/schedule.h"
#include "exporters/sql/described.h"

namespace exporter::sql {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxRows = 10'000, kMaxEvents = 100'000, kMaxName = 60;
constexpr std::chrono::minutes kShownAtLeast(5);  // after failed runs

milliseconds read_duration(const Yaml& map, std::string_view key, milliseconds fallback) {
  const auto value = map.optional(key);
  return value ? value->duration() : fallback;
}

bool is_for(const Yaml& entry, const std::string& source, const std::vector<std::string>& sources) {
  const auto list = entry.optional("sources");
  if (!list) return true;
  bool found = false;
  for (const auto& item : list->items()) {
    const auto name = item.string();
    if (std::ranges::find(sources, name) == sources.end())
      item.fail("there is no source of this name");
    found = found || name == source;
  }
  return found;
}

Schedule read_schedule(const Yaml& entry, bool counts) {
  const auto every = entry.optional("every");
  const auto on_scrape = entry.optional("on_scrape");
  if (on_scrape && on_scrape->boolean()) {
    if (every) every->fail("it runs on each scrape");
    if (counts) on_scrape->fail("events are read in the background");
    return OnScrape{};
  }
  if (!every) entry.fail("expected `every: 1m`, or `on_scrape: true` for a cheap query");
  const auto interval = every->duration();
  if (interval < std::chrono::seconds(1)) every->fail("expected a duration of at least 1s");
  return Every{interval, std::max<Clock::duration>(times(interval, 3), kShownAtLeast)};
}

Clock::duration read_timeout(const Yaml& entry) {
  const auto timeout = read_duration(entry, "timeout", std::chrono::seconds(10));
  if (timeout < milliseconds(100)) {
    entry.required("timeout").fail("expected a duration of at least 100ms");
  }
  return timeout;
}

/// The result of the function; nothing if it rejects the value.
template <class Read>
std::optional<Parameter> read_as(const Read& read) {
  try {
    return read();
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// As in YAML: 5 is a number, "5" is a text. An integer stays one, because a double cannot
/// represent large ids.
Parameter read_parameter(const Yaml& value) {
  if (const auto integer = read_as([&] { return value.integer(); })) return *integer;
  if (const auto number = read_as([&] { return value.number(); })) return *number;
  return value.string();
}

Parameters read_parameters(const Yaml& entry) {
  Parameters parameters;
  const auto map = entry.optional("parameters");
  if (!map) return parameters;
  for (const auto& [name, value] : map->entries()) parameters[name] = read_parameter(value);
  return parameters;
}

Statement read_statement(const Yaml& entry, Dialect dialect) {
  const auto query = entry.required("query");
  try {
    return {query.string(), dialect};
  } catch (const Error& error) {
    query.fail(error.what());
  }
}

/// Each parameter must have a value, and each value must be used.
void check_parameters(const Yaml& entry, const Statement& statement, const Parameters& given,
                      const std::vector<std::string>& own) {
  const auto& used = statement.parameters();
  for (const auto& name : used) {
    const bool is_own = std::ranges::find(own, name) != own.end();
    if (is_own || given.contains(name)) continue;
    entry.required("query").fail(":" + name + " is not a parameter");
  }
  for (const auto& [name, value] : given) {
    const bool is_used = std::ranges::find(used, name) != used.end();
    if (!is_used) entry.required("parameters").fail("the query has no parameter :" + name);
    if (std::ranges::find(own, name) != own.end()) {
      entry.required("parameters").fail("the exporter sets :" + name);
    }
  }
}

bool has_parameter(const Statement& statement, std::string_view name) {
  return std::ranges::find(statement.parameters(), name) != statement.parameters().end();
}

std::vector<std::string> read_unit(const Yaml& events) {
  const auto unit = events.required("unit");
  std::vector<std::string> columns;
  if (!unit.is_sequence()) return {unit.string()};
  for (const auto& column : unit.items()) columns.push_back(column.string());
  if (columns.empty()) unit.fail("expected at least one column");
  return columns;
}

EventsConfig read_events(const Yaml& events, const Statement& statement) {
  if (!has_parameter(statement, "since")) {
    events.required("query").fail("expected a condition on the time, such as created_at >= :since");
  }
  EventsConfig config{
      .unit = read_unit(events),
      .when = events.required("when").string(),
      .position =
          events.optional("position") ? events.required("position").string() : std::string(),
      .overlap = events.required("overlap").duration(),
      .late = read_duration(events, "late", std::chrono::hours(48)),
      .past = read_duration(events, "past", {}),
      .full_interval = read_duration(events, "full_interval", std::chrono::hours(1)),
      .has_until = has_parameter(statement, "until")};
  if (config.late < config.overlap) {
    events.fail("late: expected at least the overlap");
  }
  return config;
}

/// Reports a misspelled key before the missing key that it causes.
void check_keys(const Yaml& entry, const std::optional<Yaml>& events) {
  std::vector<std::string_view> keys{"sources",  "every",   "on_scrape", "timeout",
                                     "max_rows", "metrics", "events"};
  if (events) {
    constexpr std::array<std::string_view, 9> kOfEvents{"query", "parameters", "unit",
                                                        "when",  "position",   "overlap",
                                                        "late",  "past",       "full_interval"};
    events->expect_keys(kOfEvents);
  } else {
    keys.insert(keys.end(), {"query", "parameters"});
  }
  entry.expect_keys(keys);
}

std::shared_ptr<const CollectorConfig> read_collector(const std::string& name, const Yaml& entry,
                                                      Dialect dialect) {
  if (name.empty() || name.size() > kMaxName || !valid_label_name(name)) {
    entry.fail("expected a name of letters, digits and '_', at most " + std::to_string(kMaxName));
  }
  if (is_reserved(name)) {
    entry.fail(name + " is a built-in collector; expected another name");
  }
  const auto events = entry.optional("events");
  check_keys(entry, events);
  const auto& place = events ? *events : entry;
  auto statement = read_statement(place, dialect);
  auto parameters = read_parameters(place);
  std::vector<std::string> own{"now"};
  if (events) own.insert(own.end(), {"since", "until"});
  check_parameters(place, statement, parameters, own);
  const auto rows = entry.optional("max_rows");
  const auto most = rows ? rows->integer() : std::int64_t(events ? kMaxEvents : kMaxRows);
  if (most < 1 || most > 10'000'000) rows->fail("expected 1 to 10000000");
  std::optional<EventsConfig> events_config;
  if (events) events_config = read_events(*events, statement);
  return std::make_shared<const CollectorConfig>(CollectorConfig{
      name, read_schedule(entry, events.has_value()), read_timeout(entry), std::move(statement),
      std::move(parameters), std::size_t(most), std::move(events_config),
      read_metrics(entry.required("metrics"), events ? RowsAre::events : RowsAre::now)});
}

}  // namespace

CollectorConfigs read_collectors(const Yaml& map, const std::string& source,
                                 const std::vector<std::string>& sources, Dialect dialect) {
  CollectorConfigs collectors;
  for (const auto& [name, entry] : map.entries()) {
    auto collector = read_collector(name, entry, dialect);
    if (is_for(entry, source, sources)) collectors.push_back(std::move(collector));
  }
  return collectors;
}

}  // namespace exporter::sql
