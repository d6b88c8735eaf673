#include "common/metric/samples.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter {
namespace {

/// Eight bytes at a time in two chains: std::hash takes three times as long, of each line.
std::uint32_t hash_of(std::string_view text) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  const auto mix = [](std::uint64_t hash, std::uint64_t more) {
    hash = (hash ^ more) * kOdd;
    return hash ^ (hash >> 32);
  };
  std::uint64_t even = text.size(), odd = kOdd;
  std::size_t at = 0;
  for (; at + 16 <= text.size(); at += 16) {
    even = mix(even, word_at(text, at));
    odd = mix(odd, word_at(text, at + 8));
  }
  if (at < text.size()) even = mix(even, word_at(text, at));
  if (at + 8 < text.size()) odd = mix(odd, word_at(text, at + 8));
  return static_cast<std::uint32_t>(mix(even, odd));
}

}  // namespace

void Samples::add(const MetricView& metric, double value,
                  std::span<const std::string_view> labels) {
  add_line(metric, {}, value, labels);
}

void Samples::add_line(const MetricView& metric, std::string_view suffix, double value,
                       std::span<const std::string_view> labels) {
  const auto family_index = family(metric);
  const auto begin = lines_.size();
  append_series(metric.name, suffix, metric.labels, labels);
  const auto series_end = lines_.size();
  if (!claim_series(begin)) return;
  lines_ += ' ';
  append_value(lines_, value);
  lines_ += '\n';
  finish_chunk(begin, series_end, family_index);
}

void Samples::add_named(MetricType type, std::string_view name, std::string_view help, double value,
                        std::span<const Label> labels, std::string_view suffix) {
  std::array<std::string_view, kMaxNamedLabels> names, values;
  if (labels.size() > names.size()) {
    throw Error(Reason::decode, "more than " + std::to_string(names.size()) + " labels");
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!valid_label_name(labels[i].name) || labels[i].name.starts_with("__")) {
      throw Error(Reason::decode, "invalid label name \"" + std::string(labels[i].name) + '"');
    }
    names[i] = labels[i].name;
    values[i] = labels[i].value;
  }
  if (!valid_metric_name(name)) {
    throw Error(Reason::decode, "invalid metric name \"" + std::string(name) + '"');
  }
  declare({type, name, help, {}});
  add_line(MetricView{type, name, help, std::span(names).first(labels.size())}, suffix, value,
           std::span(values).first(labels.size()));
}

void Samples::declare(const MetricView& metric) {
  std::size_t slot = 0;
  if (!families_.empty() && family_at(metric.name, slot) != families_.size()) return;
  const auto& name = owned_.emplace_back(metric.name);
  family({metric.type, name, owned_.emplace_back(metric.help), {}});
}

void Samples::add_histogram(const MetricView& metric, std::span<const double> bounds,
                            std::span<const std::uint64_t> counts, double sum,
                            std::span<const std::string_view> labels) {
  const auto family_index = family(metric);
  const auto begin = lines_.size();
  const auto line = [&](std::string_view suffix, std::string_view bound, double value) {
    const auto at = lines_.size();
    append_series(metric.name, suffix, metric.labels, labels);
    if (!bound.empty()) {
      if (lines_.back() == '}') {
        lines_.back() = ',';
      } else {
        lines_ += '{';
      }
      lines_ += "le=\"";
      lines_ += bound;
      lines_ += "\"}";
    }
    if (at == begin && !claim_series(begin)) return false;
    const auto series_end = lines_.size();
    lines_ += ' ';
    append_value(lines_, value);
    lines_ += '\n';
    finish_chunk(at, series_end, family_index);
    return true;
  };
  double cumulative = 0;
  std::string bound;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    cumulative += static_cast<double>(counts[i]);
    bound.clear();
    append_bound(bound, i < bounds.size() ? bounds[i] : INFINITY);
    if (!line("_bucket", bound, cumulative)) return;
  }
  line("_sum", "", sum);
  line("_count", "", cumulative);
}

void Samples::append(const Samples& other) {
  std::vector<std::uint32_t> families;  // here, of theirs
  for (const auto& theirs : other.families_) {
    const MetricView metric{theirs.type, theirs.name, theirs.help, {}};
    declare(metric);
    families.push_back(family(metric));
  }
  for (const auto& chunk : other.chunks_) {
    const auto begin = lines_.size();
    lines_.append(other.series_of(chunk));
    const auto series_end = lines_.size();
    if (!claim_series(begin)) continue;
    const auto value = chunk.begin + chunk.series_size;
    lines_.append(other.lines_, value, chunk.end - value);
    finish_chunk(begin, series_end, families[chunk.family]);
  }
  dropped_ += other.dropped_;
}

void Samples::render(Format format, std::string& out) const {
  std::vector<std::uint32_t> starts(families_.size() + 1, 0);
  for (std::size_t i = 0; i < families_.size(); ++i)
    starts[i + 1] = starts[i] + families_[i].chunks;
  std::vector<std::uint32_t> order(chunks_.size());
  auto next = starts;
  for (std::uint32_t i = 0; i < chunks_.size(); ++i) order[next[chunks_[i].family]++] = i;
  out.reserve(out.size() + lines_.size() + families_.size() * 160);
  for (std::size_t i = 0; i < families_.size(); ++i) {
    if (starts[i] == starts[i + 1]) continue;
    const auto& family = families_[i];
    append_header(out, family.type, family.name, family.help, format);
    for (auto at = starts[i]; at < starts[i + 1]; ++at) {
      const auto& chunk = chunks_[order[at]];
      out.append(lines_, chunk.begin, chunk.end - chunk.begin);
    }
  }
}

std::vector<std::string_view> Samples::family_names() const {
  std::vector<std::string_view> names;
  for (const auto& family : families_) names.push_back(family.name);
  return names;
}

bool Samples::same_page(const Samples& other) const {
  const auto same_family = [](const Family& a, const Family& b) {
    return a.type == b.type && a.chunks == b.chunks && a.name == b.name && a.help == b.help;
  };
  const auto same_place = [](const Chunk& a, const Chunk& b) {
    return a.family == b.family && a.end == b.end;
  };
  return lines_ == other.lines_ &&
         std::equal(families_.begin(), families_.end(), other.families_.begin(),
                    other.families_.end(), same_family) &&
         std::equal(chunks_.begin(), chunks_.end(), other.chunks_.begin(), other.chunks_.end(),
                    same_place);
}

std::uint32_t Samples::family(const MetricView& metric) {
  if (last_family_ < families_.size() && families_[last_family_].name == metric.name) {
    return last_family_;
  }
  // The families of the things that a run describes come in the same order for each of them.
  if (last_family_ + 1 < families_.size() && families_[last_family_ + 1].name == metric.name) {
    return ++last_family_;
  }
  if (families_.size() * 2 >= family_table_.size()) grow_family_table();
  std::size_t slot = 0;
  last_family_ = family_at(metric.name, slot);
  if (last_family_ == families_.size()) {
    families_.push_back({metric.type, metric.name, metric.help});
    family_table_[slot] = static_cast<std::uint32_t>(families_.size());
  }
  return last_family_;
}

/// The family of that name, or families_.size() and the free slot for it.
std::uint32_t Samples::family_at(std::string_view name, std::size_t& slot) const {
  const auto mask = family_table_.size() - 1;
  for (slot = hash_of(name) & mask; family_table_[slot] != 0; slot = (slot + 1) & mask) {
    if (families_[family_table_[slot] - 1].name == name) return family_table_[slot] - 1;
  }
  return static_cast<std::uint32_t>(families_.size());
}

void Samples::grow_family_table() {
  family_table_.assign(std::max<std::size_t>(16, family_table_.size() * 2), 0);
  for (std::uint32_t i = 0; i < families_.size(); ++i) {
    std::size_t slot = 0;
    family_at(families_[i].name, slot);
    family_table_[slot] = i + 1;
  }
}

void Samples::append_series(std::string_view name, std::string_view suffix,
                            std::span<const std::string_view> names,
                            std::span<const std::string_view> values) {
  lines_ += name;
  lines_ += suffix;
  char separator = '{';
  for (std::size_t i = 0; i < names.size(); ++i) {
    lines_ += separator;
    separator = ',';
    lines_ += names[i];
    lines_ += "=\"";
    append_label_value(lines_, values[i]);
    lines_ += '"';
  }
  if (separator == ',') lines_ += '}';
}

/// Takes the series that stands at the end of lines_; when it is there already, cuts it off again,
/// counts it and answers false.
bool Samples::claim_series(std::size_t begin) {
  if ((chunks_.size() + 1) * 2 > series_table_.size()) grow_series_table();
  const auto series = std::string_view(lines_).substr(begin);
  pending_hash_ = hash_of(series);
  const auto mask = series_table_.size() - 1;
  auto slot = pending_hash_ & mask;
  for (; series_table_[slot] != 0; slot = (slot + 1) & mask) {
    const auto& chunk = chunks_[series_table_[slot] - 1];
    if (chunk.hash == pending_hash_ && series_of(chunk) == series) {
      if (duplicates_++ == 0) first_duplicate_ = series;
      lines_.resize(begin);
      return false;
    }
  }
  series_table_[slot] = static_cast<std::uint32_t>(chunks_.size() + 1);
  return true;
}

void Samples::grow_series_table() {
  series_table_.assign(std::max<std::size_t>(64, series_table_.size() * 2), 0);
  const auto mask = series_table_.size() - 1;
  for (std::uint32_t i = 0; i < chunks_.size(); ++i) {
    auto slot = chunks_[i].hash & mask;
    while (series_table_[slot] != 0) slot = (slot + 1) & mask;
    series_table_[slot] = i + 1;
  }
}

std::string_view Samples::series_of(const Chunk& chunk) const {
  return std::string_view(lines_).substr(chunk.begin, chunk.series_size);
}

void Samples::finish_chunk(std::size_t begin, std::size_t series_end, std::uint32_t family_index) {
  chunks_.push_back({begin, lines_.size(), family_index, pending_hash_,
                     static_cast<std::uint32_t>(series_end - begin)});
  ++families_[family_index].chunks;
  ++sample_count_;
}

}  // namespace exporter
