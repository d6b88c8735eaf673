#include "exporters/snowflake/dbt_results.h"

#include <glob.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/config/json_stream.h"
#include "common/ledger/ledger.h"

namespace exporter::snowflake {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMostFiles = 1000, kMostNodes = 20'000, kLongestName = 300;
constexpr auto kOldest = std::chrono::days(9);  // a window begins eight days ago at the most

bool is_one_of(char c, std::string_view characters) {
  return characters.find(c) != std::string_view::npos;
}

/// The format of query ids and UUIDs: 8, 4, 4, 4 and 12 digits.
bool is_id(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (!is_one_of(text[i], is_dash ? "-" : "0123456789abcdef")) return false;
  }
  return true;
}

/// Needs no escaping in SQL or in lines of words.
bool is_name(std::string_view text) {
  return text.size() <= kLongestName && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_one_of(c, "0123456789_.-");
         });
}

std::string row_of(std::string_view id, std::string_view node, std::string_view target) {
  std::string row = "('";
  return row.append(id).append("', '").append(node).append("', '").append(target).append("'), ");
}

std::vector<std::string> expand(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + std::min(found.gl_pathc, kMostFiles));
  }
  ::globfree(&found);
  return paths;
}

std::string text_at(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found && found->is_string() ? found->string() : std::string();
}

struct Artifact {
  std::optional<DbtResults::Time> written;
  std::string target;
  std::vector<std::pair<std::string, std::string>> nodes;  ///< by query id
};

void add(Artifact& artifact, const JsonStream::Record& record) {
  const auto json = record.read();
  if (record.index() == 0) {
    artifact.written = std::chrono::floor<seconds>(json.at("generated_at").time());
  } else if (record.index() == 1) {
    artifact.target = text_at(json, "target");
  } else if (const auto response = json.find("adapter_response")) {
    auto id = text_at(*response, "query_id");
    if (!id.empty() && artifact.nodes.size() < kMostNodes) {
      artifact.nodes.emplace_back(std::move(id), text_at(json, "unique_id"));
    }
  }
}

/// A result of an unexpected shape is left out, as one without an id is.
Artifact parse(const std::string& path) {
  static constexpr std::string_view kMetadata[] = {"generated_at"}, kArguments[] = {"target"},
                                    kResult[] = {"unique_id", "adapter_response.query_id"};
  static constexpr JsonRecord kRecords[] = {
      {"metadata", kMetadata}, {"args", kArguments}, {"results.*", kResult}};
  Artifact artifact;
  JsonStream stream(kRecords, path, [&](const JsonStream::Record& record) {
    try {
      add(artifact, record);
    } catch (const Error& error) {
      if (record.index() == 0 || error.reason() != Reason::decode) throw;
    }
  });
  std::ifstream file(path, std::ios::binary);
  char piece[64 << 10];
  while (file.read(piece, sizeof piece) || file.gcount() > 0) {
    stream.feed({piece, static_cast<std::size_t>(file.gcount())});
  }
  stream.finish();
  if (!is_name(artifact.target)) artifact.target.clear();
  return artifact;
}

}  // namespace

bool DbtResults::read(Time now) {
  const auto known = results_.size();
  const auto before = std::exchange(versions_, {});
  for (const auto& pattern : patterns_) {
    for (const auto& path : expand(pattern)) {
      try {
        read_file(path, now, before);
      } catch (const std::exception& error) {
        log::warn("dbt's results cannot be read", {{"file", path}, {"error", error.what()}});
      }
    }
  }
  for (auto& [id, result] : results_) {  // a clock may have been ahead
    if (result.written > now + Ledger::kMaxAhead) result.written = now;
  }
  return results_.size() > known;
}

/// dbt overwrites its files: one that changes meanwhile has another version next time.
void DbtResults::read_file(const std::string& path, Time now, const Versions& known) {
  const auto version = [&] {
    return Version(std::filesystem::last_write_time(path), std::filesystem::file_size(path));
  };
  const auto before = versions_[path] = version();
  if (const auto last = known.find(path); last != known.end() && last->second == before) return;
  const auto artifact = parse(path);
  if (version() != before || !artifact.written || *artifact.written < now - kOldest) return;
  const auto left_out = std::ranges::count_if(artifact.nodes, [&](const auto& each) {
    return !add(each.first, {*artifact.written, each.second, artifact.target});
  });
  if (left_out > 0) {
    log::warn("query ids of dbt's results are left out: too many, or without node names",
              {{"file", path}, {"ids", std::to_string(left_out)}});
  }
}

bool DbtResults::add(const std::string& id, Result result) {
  const auto size = row_of(id, result.node, result.target).size();
  if (results_.contains(id)) return true;
  const bool is_good = is_id(id) && is_name(result.node) && !result.node.empty();
  if (!is_good || !is_name(result.target) || size_ + size > kMost) return false;
  size_ += size;
  results_[id] = std::move(result);
  return true;
}

std::string DbtResults::text() const {
  std::string text;
  for (const auto& [id, result] : results_) {
    text += id + ' ' + std::to_string(result.written.time_since_epoch().count()) + ' ' +
            result.node + ' ' + result.target + '\n';
  }
  return text;
}

void DbtResults::load(std::string_view text) {
  while (!text.empty()) {
    auto line = next_part(text, '\n');
    const std::string id(next_part(line, ' '));
    const auto written = parse_number<std::int64_t>(next_part(line, ' '));
    const std::string node(next_part(line, ' ')), target(line);
    if (written) add(id, {Time(seconds(*written)), node, target});
  }
}

void DbtResults::drop_before(Time time) {
  std::erase_if(results_, [&](const auto& each) { return each.second.written < time; });
  size_ = rows().size();
}

std::string DbtResults::rows() const {
  std::string rows;
  for (const auto& [id, result] : results_) rows += row_of(id, result.node, result.target);
  return rows.substr(0, rows.empty() ? 0 : rows.size() - 2);
}

}  // namespace exporter::snowflake
