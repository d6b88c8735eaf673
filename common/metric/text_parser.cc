#include "common/metric/text_parser.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter {
namespace {

constexpr std::size_t kMostOfError = 300;  // bytes

void skip_blanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

/// Removes the characters of a name from the front.
std::string_view next_name(std::string_view& rest) {
  const auto end = std::find_if(rest.begin(), rest.end(), [](char c) {
    return !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
           c != '_' && c != ':';
  });
  const auto name = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(name.size());
  return name;
}

std::optional<MetricType> type_of(std::string_view word) {
  static constexpr std::pair<std::string_view, MetricType> kTypes[] = {
      {"counter", MetricType::counter},     {"gauge", MetricType::gauge},
      {"histogram", MetricType::histogram}, {"summary", MetricType::summary},
      {"untyped", MetricType::untyped},
  };
  for (const auto& [name, type] : kTypes) {
    if (name == word) return type;
  }
  return std::nullopt;
}

/// A number as Prometheus parses it: accepts "+1", "Inf" and "nan", but not C's "nan(1)".
std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  if (text.find('(') != std::string_view::npos) return std::nullopt;
  return parse_number<double>(text);
}

bool is_compound(MetricType type) {
  return type == MetricType::histogram || type == MetricType::summary;
}

/// The label of a histogram's or summary's points.
std::string_view point_label(MetricType type) {
  return type == MetricType::histogram ? "le" : "quantile";
}

class Parser {
 public:
  explicit Parser(std::string_view origin) : origin_(origin) {}

  ParsedText parse(std::string_view text);

 private:
  enum class Part { value, bucket, sum, count };
  static constexpr std::pair<std::string_view, Part> kSuffixes[] = {
      {"_bucket", Part::bucket}, {"_sum", Part::sum}, {"_count", Part::count}};
  struct State {
    bool typed = false;
    std::size_t line = 0;            ///< on which its name was first read
    std::vector<std::size_t> lines;  ///< of each series of a histogram or a summary, the first
  };

  [[noreturn]] void fail(const std::string& why) const { fail_at(line_, why); }
  [[noreturn]] void fail_at(std::size_t line, const std::string& why) const {
    throw Error(Reason::decode,
                origin_ + ':' + std::to_string(line) + ": " + printable(why, kMostOfError));
  }

  void parse_comment(std::string_view rest);
  void set_type(std::size_t index, std::string_view word);
  void parse_sample(std::string_view rest);
  std::vector<Label> parse_labels(std::string_view& rest);
  std::string_view parse_label_value(std::string_view& rest);
  double parse_value(std::string_view rest);
  std::string_view unescape(std::string_view text);

  std::size_t family(std::string_view name);
  std::pair<std::size_t, Part> family_of_sample(std::string_view name);
  void add_part(std::size_t index, Part part, std::vector<Label> labels, double value);
  std::size_t open_series(std::size_t index, std::vector<Label> labels);
  double take_point(MetricType type, std::vector<Label>& labels);
  void check_names() const;
  void finish(const TextFamily& family, std::size_t line, TextSeries& series);

  std::string origin_;
  std::size_t line_ = 0;
  ParsedText parsed_;
  std::vector<State> states_;  ///< of parsed_.families
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::unordered_map<std::string, std::size_t> open_series_;
};

ParsedText Parser::parse(std::string_view text) {
  while (!text.empty()) {
    ++line_;
    if (text.find('\n') == std::string_view::npos) fail("the last line is truncated");
    auto line = next_part(text, '\n');
    if (!valid_utf8(line)) fail("not UTF-8");
    skip_blanks(line);
    if (line.starts_with('#')) {
      parse_comment(line.substr(1));
    } else if (!line.empty()) {
      parse_sample(line);
    }
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    auto& family = parsed_.families[i];
    for (std::size_t j = 0; j < states_[i].lines.size(); ++j) {
      finish(family, states_[i].lines[j], family.series[j]);
    }
  }
  check_names();
  std::erase_if(parsed_.families, [](const TextFamily& family) { return family.series.empty(); });
  return std::move(parsed_);
}

/// "HELP name text", "TYPE name type", or a comment. Ignores a truncated one.
void Parser::parse_comment(std::string_view rest) {
  const auto keyword = next_word(rest);
  if (keyword != "HELP" && keyword != "TYPE") return;
  const auto name = next_word(rest);
  if (name.empty()) return;
  if (!valid_metric_name(name)) fail("invalid metric name \"" + std::string(name) + '"');
  const auto index = family(name);
  skip_blanks(rest);
  if (rest.empty()) return;
  if (keyword == "TYPE") {
    set_type(index, trim(rest));
  } else {
    auto& help = parsed_.families[index].help;
    if (help) fail("a second help of " + std::string(name));
    help = unescape(rest);
  }
}

void Parser::set_type(std::size_t index, std::string_view word) {
  auto& family = parsed_.families[index];
  const auto type = type_of(word);
  if (!type) fail("unknown type \"" + std::string(word) + '"');
  if (std::exchange(states_[index].typed, true)) {
    fail("a second type of " + std::string(family.name) + ", or one after its samples");
  }
  family.type = *type;
}

void Parser::parse_sample(std::string_view rest) {
  const auto name = next_name(rest);
  if (!valid_metric_name(name)) fail("a metric name is missing");
  if (!rest.empty() && rest.find_first_of(" \t{") != 0)
    fail("expected '{' or a space after the name");
  const auto [index, part] = family_of_sample(name);
  states_[index].typed = true;
  skip_blanks(rest);
  auto labels = rest.starts_with('{') ? parse_labels(rest) : std::vector<Label>();
  const double value = parse_value(rest);
  auto& family = parsed_.families[index];
  if (is_compound(family.type)) {
    add_part(index, part, std::move(labels), value);
  } else {
    family.series.push_back({.labels = std::move(labels), .value = value, .points = {}});
  }
}

/// Removes `{name="value",...}` from the front. An empty label value is the same as no label.
std::vector<Label> Parser::parse_labels(std::string_view& rest) {
  std::vector<Label> labels;
  rest.remove_prefix(1);
  for (skip_blanks(rest); !rest.starts_with('}'); skip_blanks(rest)) {
    const auto name = next_name(rest);
    if (!valid_label_name(name) || name.starts_with("__")) {
      fail("invalid label name \"" + std::string(name) + '"');
    }
    skip_blanks(rest);
    if (!rest.starts_with('=')) fail("expected '=' after the label name");
    rest.remove_prefix(1);
    skip_blanks(rest);
    const auto same = [&](const Label& label) { return label.name == name; };
    if (std::any_of(labels.begin(), labels.end(), same)) {
      fail("the label \"" + std::string(name) + "\" is a duplicate");
    }
    labels.push_back({name, parse_label_value(rest)});
    if (labels.size() >= kMaxNamedLabels) fail("too many labels");
    skip_blanks(rest);
    if (rest.starts_with(',')) {
      rest.remove_prefix(1);
    } else if (!rest.starts_with('}')) {
      fail("expected ',' or '}' after the label value");
    }
  }
  rest.remove_prefix(1);
  std::erase_if(labels, [](const Label& label) { return label.value.empty(); });
  std::sort(labels.begin(), labels.end(),
            [](const Label& a, const Label& b) { return a.name < b.name; });
  return labels;
}

std::string_view Parser::parse_label_value(std::string_view& rest) {
  if (!rest.starts_with('"')) fail("expected '\"' before the label value");
  rest.remove_prefix(1);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      const auto value = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return unescape(value);
    }
    if (rest[i] == '\\') ++i;
  }
  fail("the label value is not terminated");
}

double Parser::parse_value(std::string_view rest) {
  const auto word = next_word(rest);
  const auto value = number_of(word);
  if (!value) fail(word.empty() ? "the value is missing" : "expected a number as the value");
  skip_blanks(rest);
  if (!rest.empty()) fail("a timestamp or other text after the value");
  return *value;
}

std::string_view Parser::unescape(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return text;
  auto& plain = parsed_.unescaped.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      plain += text[i];
      continue;
    }
    const char escaped = ++i < text.size() ? text[i] : '\0';
    if (escaped != '\\' && escaped != '"' && escaped != 'n') fail("invalid escape sequence");
    plain += escaped == 'n' ? '\n' : escaped;
  }
  return plain;
}

std::size_t Parser::family(std::string_view name) {
  const auto [place, is_new] = by_name_.emplace(name, states_.size());
  if (is_new) {
    states_.push_back({.line = line_, .lines = {}});
    parsed_.families.push_back({MetricType::untyped, name, std::nullopt, {}});
  }
  return place->second;
}

/// A sample belongs to the family of its name or, by its suffix, to a histogram or a summary.
std::pair<std::size_t, Parser::Part> Parser::family_of_sample(std::string_view name) {
  if (by_name_.contains(name)) return {family(name), Part::value};
  for (const auto& [suffix, part] : kSuffixes) {
    if (!name.ends_with(suffix)) continue;
    const auto found = by_name_.find(name.substr(0, name.size() - suffix.size()));
    if (found == by_name_.end()) continue;
    const auto type = parsed_.families[found->second].type;
    if (type == MetricType::histogram || (type == MetricType::summary && part != Part::bucket)) {
      return {found->second, part};
    }
  }
  return {family(name), Part::value};
}

/// Parses one line of a histogram or a summary.
void Parser::add_part(std::size_t index, Part part, std::vector<Label> labels, double value) {
  auto& family = parsed_.families[index];
  if (part == Part::value && family.type == MetricType::histogram) {
    fail("a histogram has no sample without a suffix");
  }
  if (part == Part::value || part == Part::bucket) {
    const double at = take_point(family.type, labels);
    family.series[open_series(index, std::move(labels))].points.push_back({at, value});
    return;
  }
  const auto name = point_label(family.type);
  if (std::any_of(labels.begin(), labels.end(), [&](const Label& l) { return l.name == name; })) {
    fail("the label \"" + std::string(name) + "\" at a sum or a count");
  }
  auto& series = family.series[open_series(index, std::move(labels))];
  auto& whole = part == Part::sum ? series.sum : series.count;
  if (std::exchange(whole, value)) fail("duplicate sum or count");
}

/// Removes the label of a bucket or a quantile and returns its number.
double Parser::take_point(MetricType type, std::vector<Label>& labels) {
  const auto name = point_label(type);
  for (const auto& label : labels) {
    if (label.name != name) continue;
    const auto at = number_of(label.value);
    if (!at || std::isnan(*at)) fail("expected a number in the label \"" + std::string(name) + '"');
    labels.erase(labels.begin() + (&label - labels.data()));
    return *at;
  }
  fail("the label \"" + std::string(name) + "\" is missing");
}

/// The series of a histogram or a summary with these labels.
std::size_t Parser::open_series(std::size_t index, std::vector<Label> labels) {
  std::string key = std::to_string(index);
  for (const auto& label : labels) {
    key.append(",").append(label.name).append("=");
    append_label_value(key, label.value);
    key += '"';
  }
  auto& series = parsed_.families[index].series;
  const auto [place, is_new] = open_series_.emplace(std::move(key), series.size());
  if (is_new) {
    series.push_back({.labels = std::move(labels), .points = {}});
    states_[index].lines.push_back(line_);
  }
  return place->second;
}

/// A metric `a_count` beside a histogram or a summary `a` would make the owner of the lines
/// ambiguous.
void Parser::check_names() const {
  for (const auto& compound : parsed_.families) {
    if (!is_compound(compound.type) || compound.series.empty()) continue;
    for (const auto& [suffix, part] : kSuffixes) {
      if (part == Part::bucket && compound.type == MetricType::summary) continue;
      const auto name = std::string(compound.name) + std::string(suffix);
      const auto found = by_name_.find(name);
      if (found == by_name_.end() || parsed_.families[found->second].series.empty()) continue;
      fail_at(states_[found->second].line, "the metric \"" + name +
                                               "\" has the name of lines of \"" +
                                               std::string(compound.name) + '"');
    }
  }
}

/// Sorts the points. A histogram's count and its last bucket are the same number, so either may be
/// missing.
void Parser::finish(const TextFamily& family, std::size_t line, TextSeries& series) {
  auto& points = series.points;
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  const auto same = [](const auto& a, const auto& b) { return a.at == b.at; };
  if (std::adjacent_find(points.begin(), points.end(), same) != points.end()) {
    fail_at(line, "duplicate bucket or quantile");
  }
  if (family.type == MetricType::summary) return;
  constexpr auto kInfinity = std::numeric_limits<double>::infinity();
  if (points.empty() || points.back().at != kInfinity) {
    if (!series.count) fail_at(line, "the histogram has neither a count nor a last bucket");
    points.push_back({kInfinity, *series.count});
  }
  if (!series.count) series.count = points.back().value;
}

bool has_cumulative_buckets(const TextSeries& histogram) {
  double before = 0;
  for (const auto& bucket : histogram.points) {
    if (!(bucket.value >= before)) return false;
    before = bucket.value;
  }
  return histogram.count == before;
}

}  // namespace

ParsedText parse_text(std::string_view text, std::string_view origin) {
  return Parser(origin).parse(text);
}

bool add_series(Samples& samples, const TextFamily& family, std::string_view help,
                const TextSeries& series) {
  if (family.type == MetricType::histogram && !has_cumulative_buckets(series)) return false;
  std::size_t lines = 0;
  const auto before = samples.size() + samples.duplicates();
  const auto add = [&](std::string_view suffix, double value, std::span<const Label> labels) {
    samples.add_named(family.type, family.name, help, value, labels, suffix);
    ++lines;
  };
  if (is_compound(family.type)) {
    auto labels = series.labels;
    labels.push_back({point_label(family.type), {}});
    for (const auto& point : series.points) {
      std::string at;
      append_bound(at, point.at);
      labels.back().value = at;
      add(family.type == MetricType::histogram ? "_bucket" : "", point.value, labels);
    }
    const bool may_have_sum = family.type == MetricType::summary || series.points.front().at >= 0;
    if (series.sum && may_have_sum) add("_sum", *series.sum, series.labels);
    if (series.count) add("_count", *series.count, series.labels);
  } else {
    add("", series.value, series.labels);
  }
  return samples.size() + samples.duplicates() == before + lines;
}

}  // namespace exporter
