#include "exporters/dbt/dbt_log.h"

#include <algorithm>
#include <fstream>

#include "common/base/error.h"
#include "common/base/text.h"
#include "exporters/dbt/command_line.h"

namespace exporter::dbt {
namespace {

/// dbt's log has at most 10 MB.
constexpr std::streamoff kWholeLog = 11 << 20, kEndOfLog = 64 << 10;

/// The end of the file; empty if it does not exist.
std::string read_log(const std::string& path, std::streamoff most) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return {};
  in.seekg(0, std::ios::end);
  const auto size = static_cast<std::streamoff>(in.tellg());
  in.seekg(std::max<std::streamoff>(0, size - most));
  std::string text(static_cast<std::size_t>(std::min<std::streamoff>(size, most)), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

/// Decodes a Python repr() of a text, which starts with its quote.
std::string read_repr(std::string_view text) {
  std::string read;
  for (std::size_t at = 1; at < text.size() && text[at] != text.front(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    read += text[at];
  }
  return read;
}

std::optional<std::string> command_in_json(std::string_view line) {
  try {
    const auto event = Json::parse(line, "dbt.log");
    const auto command = find_path(event, {"data", "args", "invocation_command"});
    return command ? std::optional(command->string()) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The "dbt build" of "Command `dbt build` failed at ...".
std::string_view command_line_in(std::string_view line) {
  next_part(line, '`');
  return next_part(line, '`');
}

/// The command line in the first lines of an invocation.
std::optional<std::string> command_in(std::string_view line) {
  constexpr std::string_view kName = "invocation_command", kKey = "'invocation_command': ";
  if (line.find(kName) == line.npos) return std::nullopt;
  if (line.starts_with('{')) return command_in_json(line);
  const auto at = line.find(kKey);
  if (at == line.npos || at + kKey.size() == line.size()) return std::nullopt;
  return read_repr(line.substr(at + kKey.size()));
}

/// "Command `dbt build` failed at 06:20:58.166507 after 2.92 seconds": the last line that is
/// logged.
std::optional<End> end_in(std::string_view line) {
  if (line.find("Command `") == line.npos) return std::nullopt;
  if (line.find("` succeeded at ") != line.npos) return End::success;
  return line.find("` failed at ") != line.npos ? std::optional(End::failure) : std::nullopt;
}

/// Adds the information in a line. An interruption is logged before the end.
void add_line(Logged& found, std::string_view line) {
  if (line.find("Exited because of keyboard interrupt") != line.npos) {
    found.end = End::interrupted;
  } else if (const auto end = end_in(line)) {
    if (found.end != End::interrupted) found.end = *end;
    if (auto ended = command_of(command_line_in(line)); !ended.empty()) {
      found.command = std::move(ended);
    }
  } else if (found.command.empty()) {
    found.command = command_of(command_in(line).value_or(""));
  }
}

/// The id in a line "======== 15:24:48.978 | afa786c4-1b79-479c-a6ab-734cdca4348f ========".
std::string id_in_header(std::string_view line) {
  next_part(line, '|');
  return std::string(next_word(line));
}

std::string id_in_json(std::string_view line) {
  try {
    const auto id = find_path(Json::parse(line, "dbt.log"), {"info", "invocation_id"});
    return id ? read_name(*id) : std::string();
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

/// The lines of an invocation follow its header, or are JSON with its id in each:
///
///     ======== 15:24:48.978 | afa786c4-1b79-479c-a6ab-734cdca4348f ========
///     15:24:48.980 [debug] [MainThread]: running dbt with arguments {..., 'invocation_command':
///     'dbt ls', ...}
Logged find_in_log(const std::string& path, const std::string& invocation) {
  Logged found;
  const auto text = read_log(path, kWholeLog);
  const auto at = invocation.empty() ? text.npos : text.find(invocation);
  if (at == text.npos) return found;
  found.end = End::awaited;
  auto rest = std::string_view(text).substr(text.rfind('\n', at) + 1);
  while (!rest.empty()) {
    const auto line = next_part(rest, '\n');
    const bool names_it = line.find(invocation) != line.npos;
    if (line.starts_with("=====") && !names_it) break;
    if (line.starts_with('{') && !names_it) continue;
    add_line(found, line);
  }
  return found;
}

std::optional<EndedCommand> last_ended(const std::string& path) {
  const auto text = read_log(path, kEndOfLog);
  std::optional<EndedCommand> last;
  std::string id;
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = next_part(rest, '\n');
    if (line.starts_with("=====")) id = id_in_header(line);
    const auto end = end_in(line);
    if (!end) continue;
    if (line.starts_with('{')) id = id_in_json(line);
    auto command = command_of(command_line_in(line));
    if (!id.empty() && !command.empty()) last = {id, std::move(command), end == End::failure};
  }
  return last;
}

}  // namespace exporter::dbt
