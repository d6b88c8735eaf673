#include "common/metric/timed_samples.h"

#include <cmath>
#include <utility>

#include "common/base/text.h"
#include "common/metric/format.h"

namespace exporter {
namespace {

bool counts(MetricType type) {
  return type == MetricType::counter || type == MetricType::histogram;
}

/// Formatted as append_value() does.
double value_of(std::string_view text) {
  if (text == "+Inf") return INFINITY;
  if (text == "-Inf") return -INFINITY;
  return parse_number<double>(text).value_or(NAN);
}

}  // namespace

TimedSamples::TimedSamples(std::span<const Label> labels) {
  for (const auto& [name, value] : labels) {
    labels_.append(name) += "=\"";
    append_label_value(labels_, value);
    labels_ += "\",";
  }
}

std::string TimedSamples::with_labels(std::string_view series) const {
  if (labels_.empty()) return std::string(series);
  const auto brace = series.find('{');
  std::string text(series.substr(0, brace));
  text.append("{").append(labels_);
  if (brace != std::string_view::npos) return text.append(series.substr(brace + 1));
  text.back() = '}';
  return text;
}

void TimedSamples::add(Samples samples, Time when, Time before) {
  samples.group_by_family();
  for (const auto& family : samples.families()) take(family, when, before, false);
}

void TimedSamples::add_reset(Samples samples, Time when) {
  samples.group_by_family();
  for (const auto& family : samples.families()) {
    if (counts(family.type)) take(family, when, when, true);
  }
}

/// The last line of a histogram is its count.
void TimedSamples::take(const Samples::FamilyLines& lines, Time when, Time before, bool resets) {
  auto& family = families_[std::string(lines.name)];
  if (family.help.empty()) {
    family.type = lines.type;
    family.help = lines.help;
  }
  const auto last_of_series = std::string(lines.name) + "_count";
  std::vector<std::string_view> texts;
  std::vector<double> values;
  for (auto rest = lines.lines; !rest.empty();) {
    const auto line = next_part(rest, '\n');
    const auto space = line.rfind(' ');
    texts.push_back(line.substr(0, space));
    values.push_back(resets ? 0 : value_of(line.substr(space + 1)));
    if (lines.type == MetricType::histogram && !line.starts_with(last_of_series)) continue;
    const auto [place, is_new] =
        family.places.try_emplace(std::string(texts.front()), family.series.size());
    if (is_new) family.series.emplace_back();
    auto& series = family.series[place->second];
    if (is_new) {
      for (const auto text : texts) series.lines.push_back(with_labels(text));
    }
    if (is_new && counts(lines.type) && before < when) {
      series.times.push_back(before);
      series.values.resize(texts.size(), 0);
      size_ += texts.size();
    }
    series.times.push_back(when);
    series.values.insert(series.values.end(), values.begin(), values.end());
    size_ += texts.size();
    texts.clear();
    values.clear();
  }
}

void TimedSamples::write(const std::function<void(std::string_view)>& sink) {
  if (std::exchange(size_, 0) == 0) return;
  std::string out;
  for (auto& [name, family] : families_) {
    out.clear();
    append_header(out, family.type, name, family.help, Format::openmetrics);
    const auto header = out.size();
    for (auto& series : family.series) {
      auto value = series.values.begin();
      for (const auto time : series.times) {
        for (const auto& line : series.lines) {
          out.append(line) += ' ';
          append_value(out, *value++);
          out.append(" ").append(std::to_string(time.time_since_epoch().count())) += '\n';
        }
      }
      series.times.clear();
      series.values.clear();
    }
    if (out.size() > header) sink(out);
  }
  sink("# EOF\n");
}

}  // namespace exporter
