#include "exporters/sql/import_plan.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "common/app/sources.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "exporters/sql/import_sql.h"

namespace exporter::sql {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kShortest(1);
constexpr std::size_t kMaxSources = 1000, kMaxNotes = 1000;
constexpr std::uintmax_t kMaxFile = 1 << 20;  // finding positions in larger files takes too long

/// A name for a source, a file or a data source of odbc.ini.
std::string as_source_name(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kMaxSourceName)) {
    const bool is_kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    name += is_kept ? c : '_';
  }
  return name;
}

std::string shortened(std::string_view name, const std::string& suffix) {
  return std::string(name.substr(0, kMaxSourceName - suffix.size())) + suffix;
}

bool has_equal_metrics(const ImportedQuery& a, const ImportedQuery& b) {
  return a.parameter_sets == b.parameter_sets && a.metrics == b.metrics;
}

std::vector<std::string> without_duplicates(std::vector<std::string> names) {
  std::set<std::string> known;
  std::erase_if(names, [&](const auto& name) { return !known.insert(name).second; });
  return names;
}

/// The interval of the merged query: the shorter one.
std::optional<milliseconds> merged(std::optional<milliseconds> a, std::optional<milliseconds> b) {
  if (!a || !b) return std::nullopt;
  return std::min(*a, *b);
}

}  // namespace

bool ImportedMetric::operator==(const ImportedMetric& other) const {
  return name == other.name && help == other.help && kind == other.kind && labels == other.labels &&
         values == other.values && value_label == other.value_label && constant == other.constant &&
         states == other.states;
}

void ImportPlan::note(const std::string& where, const std::string& text) {
  if (notes.size() > kMaxNotes) return;
  auto line = where.empty() ? text : where + ": " + text;
  if (notes.size() == kMaxNotes) line = "and more";
  if (std::ranges::find(notes, line) == notes.end()) notes.push_back(std::move(line));
}

void ImportPlan::note_each(const std::string& text, const std::string& where,
                           const std::string& what) {
  if (notes.size() > kMaxNotes) return;
  const auto [place, is_new] = places_.try_emplace(text, notes.size());
  if (is_new) notes.push_back(text);
  notes[place->second] += "\n" + where + ": " + what;
}

void ImportPlan::note_unknown(const Yaml& map, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : map.entries()) {
    if (std::ranges::find(known, key) == known.end()) note(value.where(), "unknown key, left out");
  }
}

std::string ImportPlan::add_source(const std::string& where, const std::string& url, UrlStyle style,
                                   const std::vector<std::string>& names) {
  if (sources.size() == kMaxSources)
    throw Error(Reason::config, where + ": more than 1000 databases");
  const auto is_free = [&](const std::string& name) {
    return !name.empty() &&
           std::ranges::find(sources, name, &ImportedSource::name) == sources.end();
  };
  std::string chosen;
  for (const auto& name : names) {
    chosen = as_source_name(name);
    if (is_free(chosen)) break;
  }
  if (chosen.empty()) chosen = "database";
  const auto base = chosen;
  for (int i = 2; !is_free(chosen); ++i) chosen = shortened(base, "_" + std::to_string(i));
  ImportedSource source{.name = chosen, .dsn = import_dsn(url, chosen, style), .labels = {}};
  const auto of_source = "source " + chosen + ": ";
  for (const auto& text : source.dsn.notes) note(where, of_source + text);
  if (!source.dsn.password_variable.empty()) {
    note(where, of_source + "its password stays in the environment variable " +
                    source.dsn.password_variable + "; password_file is the safer place");
  } else if (source.dsn.has_password) {
    note(where, of_source +
                    "its password is not in this output: write it into the file that "
                    "password_file names, readable by the exporter alone");
  }
  sources.push_back(std::move(source));
  return chosen;
}

void ImportPlan::add_query(ImportedQuery query) {
  query.sources = without_duplicates(std::move(query.sources));
  const auto used = query.sources.empty()
                        ? sources.end()
                        : std::ranges::find(sources, query.sources.front(), &ImportedSource::name);
  auto sql = normalized(query.sql, used == sources.end() ? Dialect::other : used->dsn.dialect);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (sql == normalized_[i] && has_equal_metrics(query, queries[i])) {
      return merge(queries[i], query);
    }
  }
  normalized_.push_back(std::move(sql));
  queries.push_back(std::move(query));
}

void ImportPlan::merge(ImportedQuery& same, ImportedQuery& query) {
  const auto as_that = "the query is that of " + same.where + ": ";
  for (auto& source : query.sources) {
    if (std::ranges::find(same.sources, source) == same.sources.end()) {
      same.sources.push_back(std::move(source));
    }
  }
  if (same.every != query.every) {
    note(query.where, as_that + "both run as one, in the shorter interval of the two");
    same.every = merged(same.every, query.every);
  }
  same.timeout = std::max(same.timeout, query.timeout);
  for (std::size_t i = 0; i < query.metrics.size(); ++i) {
    const auto& other = query.metrics[i].fixed_labels;
    std::erase_if(same.metrics[i].fixed_labels, [&](const auto& label) {
      if (std::ranges::find(other, label) != other.end()) return false;
      note(query.where, as_that + "the label " + label.first + ", which differs, is left out");
      return true;
    });
  }
}

Yaml load_imported(const std::string& path) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  if (!failure && size > kMaxFile) throw Error(Reason::config, path + ": larger than 1 MiB");
  return Yaml::load_foreign_file(path);
}

std::optional<milliseconds> imported_interval(milliseconds interval) {
  if (interval <= milliseconds(0)) return std::nullopt;
  return std::max<milliseconds>(interval, kShortest);
}

milliseconds interval_of_cron(std::string_view schedule) {
  std::vector<std::string_view> fields;
  for (auto word = next_word(schedule); !word.empty(); word = next_word(schedule)) {
    fields.push_back(word);
  }
  constexpr std::chrono::hours kUnknown(1);
  if (fields.size() != 5) return kUnknown;
  const auto is_any = [&](std::size_t from) {
    return std::all_of(fields.begin() + static_cast<std::ptrdiff_t>(from), fields.end(),
                       [](auto field) { return field == "*"; });
  };
  const auto& minute = fields[0];
  if (minute == "*" && is_any(1)) return std::chrono::minutes(1);
  if (minute.starts_with("*/") && is_any(1)) {
    const auto step = parse_number<unsigned>(minute.substr(2)).value_or(0);
    if (step >= 1 && step <= 59) return std::chrono::minutes(step);
  }
  const bool is_daily = parse_number<unsigned>(minute) && parse_number<unsigned>(fields[1]);
  return is_daily && is_any(2) ? std::chrono::hours(24) : kUnknown;
}

}  // namespace exporter::sql
