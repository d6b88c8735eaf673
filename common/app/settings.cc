#include "common/app/settings.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/yaml.h"

namespace exporter {
namespace {

/// The value in the file for the flag, whose name is a dotted path. If a flag's name continues
/// another's (collector.cpu.info.flags-include), the file has a value for the shorter or a map for
/// the longer.
std::optional<Yaml> find(const Yaml& file, std::span<const Flag> flags, std::string_view name) {
  const auto is_flag = [&](std::string_view text) {
    return std::any_of(flags.begin(), flags.end(), [&](const Flag& f) { return f.name == text; });
  };
  const auto goes_on = [&](const Flag& flag) {
    return flag.name.starts_with(std::string(name) + '.');
  };
  std::optional<Yaml> place = file;
  for (std::size_t end = 0; place && end < name.size();) {
    if (end != 0 && !place->is_map() && is_flag(name.substr(0, end - 1))) return std::nullopt;
    auto rest = name.substr(end);
    place = place->optional(next_part(rest, '.'));
    end = name.size() - rest.size();
  }
  const bool longer = std::any_of(flags.begin(), flags.end(), goes_on);
  return place && place->is_map() && longer ? std::nullopt : place;
}

std::vector<std::string> texts_at(const Yaml& place, Flag::Kind kind) {
  if (kind == Flag::Kind::boolean) return {place.boolean() ? "true" : "false"};
  if (kind == Flag::Kind::value || !place.is_sequence()) return {place.string()};
  std::vector<std::string> texts;
  for (const auto& item : place.items()) texts.push_back(item.string());
  return texts;
}

/// Calls `fail` with the error.
template <class Fail>
std::shared_ptr<const re2::RE2> compile(const std::string& text, const Fail& fail) {
  if (text.empty()) return nullptr;
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto expression = std::make_shared<const re2::RE2>(text, options);
  if (!expression->ok()) fail("not a regular expression: " + expression->error());
  return expression;
}

std::shared_ptr<const re2::RE2> compile(const Settings& settings, std::string_view flag) {
  if (flag.empty()) return nullptr;
  return compile(settings.text(flag), [&](const std::string& why) { settings.fail(flag, why); });
}

std::shared_ptr<const re2::RE2> compile(const Yaml& map, std::string_view key) {
  const auto value = key.empty() ? std::nullopt : map.optional(key);
  if (!value) return nullptr;
  return compile(value->string(), [&](const std::string& why) { value->fail(why); });
}

}  // namespace

Settings::Settings(std::span<const Flag> flags,
                   const std::map<std::string, std::vector<std::string>>& given, const Yaml* file) {
  for (const auto& flag : flags) {
    auto& value = values_[std::string(flag.name)];
    // Read even if the command line overrides it, so that the key is known and its type is checked.
    const auto place = file != nullptr ? find(*file, flags, flag.name) : std::nullopt;
    if (place) value = {texts_at(*place, flag.kind), place->where(), true};
    if (const auto here = given.find(std::string(flag.name)); here != given.end()) {
      value = {here->second, "--" + here->first, true};
    } else if (!place) {
      value.origin = "--" + std::string(flag.name);
      value.given = false;
      if (flag.kind != Flag::Kind::repeated || !flag.fallback.empty()) {
        value.texts = {std::string(flag.fallback)};
      }
    }
  }
}

const Settings::Value& Settings::value(std::string_view flag) const {
  const auto found = values_.find(flag);
  if (found == values_.end()) {
    throw Error(Reason::internal, "no flag --" + std::string(flag) + " is declared");
  }
  return found->second;
}

const std::string& Settings::text(std::string_view flag) const { return value(flag).texts.at(0); }

const std::vector<std::string>& Settings::texts(std::string_view flag) const {
  return value(flag).texts;
}

bool Settings::enabled(std::string_view flag) const {
  if (text(flag) != "true" && text(flag) != "false") fail(flag, "expected true or false");
  return text(flag) == "true";
}

std::chrono::milliseconds Settings::duration(std::string_view flag) const {
  const auto duration = parse_duration(text(flag));
  if (!duration) fail(flag, "expected a duration such as 5s or 1m30s");
  return *duration;
}

std::size_t Settings::count(std::string_view flag) const {
  const auto count = parse_number<std::size_t>(text(flag));
  if (!count) fail(flag, "expected a whole number");
  return *count;
}

const std::string& Settings::origin(std::string_view flag) const { return value(flag).origin; }

bool Settings::is_default(std::string_view flag) const { return !value(flag).given; }

void Settings::at_most_one_of(std::string_view flag, std::string_view other) const {
  const auto is_given = [&](std::string_view name) {
    return !is_default(name) && !text(name).empty();
  };
  if (is_given(flag) && is_given(other)) {
    fail(flag, "cannot be given together with " + value(other).origin);
  }
}

void Settings::fail(std::string_view flag, std::string_view why) const {
  throw Error(Reason::config, value(flag).origin + ": " + std::string(why));
}

Filter::Filter(const Settings& settings, std::string_view include_flag,
               std::string_view exclude_flag, Match match)
    : include_(compile(settings, include_flag)),
      exclude_(compile(settings, exclude_flag)),
      match_(match) {
  if (include_ && exclude_ && settings.is_default(exclude_flag) &&
      !settings.is_default(include_flag)) {
    exclude_ = nullptr;
  }
}

Filter::Filter(const Yaml& map, std::string_view include_key, std::string_view exclude_key,
               Match match)
    : include_(compile(map, include_key)), exclude_(compile(map, exclude_key)), match_(match) {}

bool Filter::passes(std::string_view name) const {
  if (exclude_ && fits(name, *exclude_)) return false;
  return !include_ || fits(name, *include_);
}

bool Filter::fits(std::string_view name, const re2::RE2& expression) const {
  const re2::StringPiece piece(name.data(), name.size());
  return match_ == Match::whole ? re2::RE2::FullMatch(piece, expression)
                                : re2::RE2::PartialMatch(piece, expression);
}

}  // namespace exporter
