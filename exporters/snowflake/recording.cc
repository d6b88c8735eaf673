#include "exporters/snowflake/recording.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

#include "common/base/descriptor.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/json_object.h"
#include "common/http/tls.h"
#include "version.h"

namespace exporter::snowflake {
namespace {

constexpr std::size_t kMostKept = 64;       // bytes of a value
constexpr std::size_t kMostFile = 2 << 20;  // bytes, exceeded by at most one row

// The characters of values that are recorded.
constexpr std::string_view kSchedule =  // "5 minutes", "USING CRON 0 9-17 * * SUN Europe/Berlin"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-/*,?#",
                           kWord = kSchedule.substr(0, kSchedule.find('/')),  // "2X-Large"
    kNumber = "0123456789+-.eE%, ",                                           // "1.5e3", "75%,90%"
    kTime = "0123456789+-.: TZ";  // "1616173619.000000000 1500", "2026-01-02T03:04:05Z"

/// Text columns whose values come from Snowflake, or from statements of this exporter.
constexpr std::string_view kWords[] = {
    // SHOW
    "allow_overlapping_execution", "auto_resume", "automatic_clustering",
    "enable_query_acceleration", "frequency", "generation", "is_clone", "is_current", "is_default",
    "is_iceberg", "is_interactive", "is_listing_auto_fulfillment_group", "is_primary", "is_replica",
    "kind", "last_suspended_reason", "level", "max_query_performance_level", "options",
    "overlap_policy", "owner_role_type", "refresh_mode", "resource_constraint", "scaling_policy",
    "scheduler", "scheduling_mode", "scheduling_state", "secondary_state", "size", "state", "type",
    // SELECT
    "l_action", "l_class", "l_currency", "l_event", "l_factor", "l_kind", "l_outcome", "l_rating",
    "l_reason", "l_second_factor", "l_service", "l_source_cloud", "l_state", "l_status",
    "l_success", "l_target_cloud", "l_tool", "l_usage"};
constexpr std::string_view kNumbers[] = {
    "available",   "credit_quota",      "notify_at",      "other",      "provisioning",
    "quiescing",   "remaining_credits", "retention_time", "suspend_at", "suspend_immediately_at",
    "used_credits"};
constexpr std::string_view kSchedules[] = {"replication_schedule", "schedule",
                                           "target_completion_interval", "target_lag"};

bool is_among(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// The characters of the column's values that are recorded; empty if none are.
std::string_view alphabet_of(std::string_view column, std::string_view type) {
  const auto kind = to_lower(type);
  if (kind == "fixed" || kind == "real" || kind == "decfloat") return kNumber;
  if (kind == "date" || kind == "time" || kind.starts_with("timestamp_")) return kTime;
  if (kind == "boolean") return kWord;
  if (kind != "text") return {};
  const auto name = to_lower(column);
  if (is_among(kWords, name)) return kWord;
  if (is_among(kNumbers, name)) return kNumber;
  if (is_among(kSchedules, name)) return kSchedule;
  return {};
}

/// "fkbolmdicend", keyed with a random key of this process. Its letters depend on the text in lower
/// case, and their case on the case of the text.
std::string pseudonym_of_part(std::string_view part) {
  constexpr std::size_t kLetters = 12;
  const auto lower = to_lower(part);
  const auto hash = http::keyed_hash(lower), exact = http::keyed_hash(part);
  const bool is_lower = lower == part, is_upper = to_upper(part) == part;
  std::string letters;
  for (std::size_t i = 0; i < kLetters; ++i) {
    letters += static_cast<char>('a' + (hash[i] & 15));
    // For mixed case the first letter is upper case and the second lower case, so that it differs
    // from the others.
    const bool is_mixed_upper = i == 0 || (i > 1 && (exact[i] & 1) != 0);
    if (!is_lower && (is_upper || is_mixed_upper)) letters.back() += 'A' - 'a';
  }
  return letters;
}

std::string pseudonym(std::string_view text) {
  constexpr std::ptrdiff_t kMostDots = 2;  // of database.schema.name
  if (std::ranges::count(text, '.') > kMostDots) return pseudonym_of_part(text);
  std::string parts;
  for (;;) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    if (!part.empty()) parts += pseudonym_of_part(part);
    if (dot == std::string_view::npos) return parts;
    parts += '.';
    text.remove_prefix(dot + 1);
  }
}

/// The text if it is short and in this alphabet, or one of the texts for missing values; else its
/// pseudonym.
std::string made_of(std::string_view alphabet, std::string_view text) {
  const bool is_kept =
      text.size() <= kMostKept && text.find_first_not_of(alphabet) == std::string_view::npos;
  return is_kept || text == "null" ? std::string(text) : pseudonym(text);
}

/// The start of a result's and of a rejection's file.
JsonObject head(const std::string& statement, int status) {
  JsonObject head;
  head.add("exporter", "snowflake_exporter " + std::string(kVersion));
  head.add("statement", statement);
  head.add("time", format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(
                       std::chrono::system_clock::now())));
  head.add("status", static_cast<std::int64_t>(status));
  return head;
}

/// If the body is Snowflake's.
void add_codes(JsonObject& head, const Json& body) {
  for (const auto& [key, name] : {std::pair("code", "code"), std::pair("sqlState", "sql_state")}) {
    const auto value = body.find(key);
    if (value && value->is_string()) head.add(name, made_of(kWord, value->string()));
  }
}

struct Column {
  std::string name, type;
};

Column column_of(const Json& entry) {
  const auto type = entry.find("type");
  return {entry.at("name").string(), type ? type->string() : std::string()};
}

/// The columns of a result, for their cells; without the tables that they belong to.
std::string line_of(const Json& entry) {
  const auto column = column_of(entry);
  JsonObject line;
  line.add("name", column.name);
  line.add("type", column.type);
  if (const auto nullable = entry.find("nullable")) line.add("nullable", nullable->boolean());
  for (const auto* key : {"precision", "scale"}) {
    if (const auto value = entry.find(key)) line.add(key, value->integer());
  }
  return line.text();
}

/// ["STARTED",null]. Anything other than a text becomes false, because the exporter reads only
/// texts.
std::string line_of(const std::vector<Column>& columns, const Json& row) {
  std::string line = "[";
  const auto cells = row.items();
  for (std::size_t i = 0; i < std::min(cells.size(), columns.size()); ++i) {
    if (i > 0) line += ',';
    if (cells[i].is_string()) {
      line += '"' + redacted(columns[i].name, columns[i].type, cells[i].string()) + '"';
    } else {
      line += cells[i].is_null() ? "null" : "false";
    }
  }
  return line + ']';
}

void add_line(std::string& lines, const std::string& line) {
  lines += (lines.empty() ? "\n" : ",\n") + line;
}

std::string answer_of(const std::string& statement, std::span<const Json> answers) {
  std::vector<Column> columns;
  std::string column_lines, row_lines;
  for (const auto& entry : answers.front().at("resultSetMetaData").at("rowType").items()) {
    columns.push_back(column_of(entry));
    if (column_lines.size() < kMostFile) add_line(column_lines, line_of(entry));
  }
  std::int64_t count = 0;
  for (const auto& answer : answers) {
    for (const auto& row : answer.at("data").items()) {
      ++count;
      if (column_lines.size() + row_lines.size() < kMostFile) {
        add_line(row_lines, line_of(columns, row));
      }
    }
  }
  auto object = head(statement, 200);
  add_codes(object, answers.front());
  object.add("row_count", count);
  auto text = object.text();
  text.pop_back();
  return text + ",\n\"columns\":[" + column_lines + "],\n\"rows\":[" + row_lines + "]}\n";
}

std::string refusal_of(const std::string& statement, int status, std::string_view body) {
  auto object = head(statement, status);
  try {
    add_codes(object, Json::parse(body, statement));
  } catch (const Error&) {  // from a proxy, or truncated
  }
  return object.text() + '\n';
}

}  // namespace

std::string redacted(std::string_view column, std::string_view type, std::string_view value) {
  return made_of(alphabet_of(column, type), value);
}

void Recording::add(const std::string& statement, std::span<const Json> answers) noexcept {
  try {
    write(statement, answer_of(statement, answers));
  } catch (...) {
    note_failure();
  }
}

void Recording::add_refusal(const std::string& statement, int status,
                            std::string_view body) noexcept {
  try {
    write(statement, refusal_of(statement, status, body));
  } catch (...) {
    note_failure();
  }
}

/// Written under another name until it is complete, and readable only by its owner.
void Recording::write(const std::string& statement, std::string_view text) const {
  std::filesystem::create_directories(directory_);
  std::string unfinished = directory_ / ('.' + statement + ".XXXXXX");
  if (*Descriptor(::mkostemp(unfinished.data(), O_CLOEXEC)) < 0) throw io_error(unfinished, errno);
  std::ofstream file(unfinished, std::ios::binary);
  file << text;
  file.close();
  const std::string path = directory_ / (statement + ".json");
  if (!file || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    const auto error = io_error(path, errno);
    std::remove(unfinished.c_str());
    throw Error(error);
  }
}

void Recording::note_failure() noexcept {
  if (has_failed_.exchange(true)) return;
  log::warn("not all answers are recorded", {{"error", current_error()}});
}

}  // namespace exporter::snowflake
