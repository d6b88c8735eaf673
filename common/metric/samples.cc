#include "common/metric/samples.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter {
namespace {

constexpr std::size_t kMostOfName = 200;  // of a rejected name, in bytes

/// Eight bytes at a time in two chains: std::hash takes three times as long, and this runs for each
/// line.
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
  if (!required_name_.empty()) check_required(metric, labels);
  if (!may_be(metric, suffix, value)) return;
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

bool Samples::may_be(const MetricView& metric, std::string_view suffix, double value) {
  const bool counts = metric.type == MetricType::counter || metric.type == MetricType::histogram ||
                      (metric.type == MetricType::summary && !suffix.empty());
  const bool forbidden = counts ? !(value >= 0) : metric.type == MetricType::summary && value < 0;
  if (!forbidden) return true;
  std::string error = std::string(metric.name) + std::string(suffix) + " is ";
  append_value(error, value);
  note_malformed_row(error);
  return false;
}

void Samples::add_named(MetricType type, std::string_view name, std::string_view help, double value,
                        std::span<const Label> labels, std::string_view suffix) {
  std::array<std::string_view, kMaxNamedLabels> names, values;
  const auto refuse = [](const char* what, std::string_view which) {
    throw Error(Reason::decode, what + (" \"" + printable(which, kMostOfName)) + '"');
  };
  if (labels.size() > names.size()) {
    throw Error(Reason::decode, "more than " + std::to_string(names.size()) + " labels");
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!valid_label_name(labels[i].name) || labels[i].name.starts_with("__")) {
      refuse("invalid label name", labels[i].name);
    }
    const auto before = std::span(names).first(i);
    if (std::ranges::find(before, labels[i].name) != before.end()) {
      refuse("duplicate label", labels[i].name);
    }
    names[i] = labels[i].name;
    values[i] = labels[i].value;
  }
  if (!valid_metric_name(name)) refuse("invalid metric name", name);
  declare_named({type, name, help, {}});
  add_line(MetricView{type, name, help, std::span(names).first(labels.size())}, suffix, value,
           std::span(values).first(labels.size()));
}

void Samples::declare(const MetricView& metric) {
  std::size_t slot = 0;
  if (!families_.empty() && family_at(metric.name, slot) != families_.size()) return;
  const auto& name = owned_.emplace_front(metric.name);
  family({metric.type, name, owned_.emplace_front(metric.help), {}});
}

void Samples::declare_named(const MetricView& metric) {
  const auto known = families_.size();
  declare(metric);
  if (families_.size() == known) return;
  families_.back().is_named = has_named_ = true;
}

void Samples::add_histogram(const MetricView& metric, std::span<const double> bounds,
                            std::span<const std::uint64_t> counts, double sum,
                            std::span<const std::string_view> labels,
                            std::span<const std::string> exemplars) {
  if (!required_name_.empty()) check_required(metric, labels);
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
    if (i < exemplars.size() && !exemplars[i].empty()) set_exemplar(exemplars[i]);
  }
  const bool has_negative_bound = !bounds.empty() && bounds.front() < 0;
  if (!has_negative_bound && may_be(metric, "_sum", sum)) line("_sum", "", sum);
  line("_count", "", cumulative);
}

void Samples::require(const Label& label) {
  required_name_ = label.name;
  required_value_ = label.value;
}

void Samples::check_required(const MetricView& metric,
                             std::span<const std::string_view> labels) const {
  const auto at = std::find(metric.labels.begin(), metric.labels.end(), required_name_);
  const auto index = static_cast<std::size_t>(at - metric.labels.begin());
  if (index < labels.size() && labels[index] == required_value_) return;
  throw Error(Reason::internal, std::string(metric.name) + ": a series without the label " +
                                    required_name_ + "=\"" + required_value_ + '"');
}

Samples Samples::without(const std::set<std::string, std::less<>>& names) const {
  Samples rest;
  std::vector<std::uint32_t> families;  // there, of these
  for (const auto& family : families_) {
    families.push_back(static_cast<std::uint32_t>(rest.families_.size()));
    if (names.contains(family.name)) continue;
    const auto& name = rest.owned_.emplace_front(family.name);
    rest.families_.push_back(
        {family.type, name, rest.owned_.emplace_front(family.help), 0, family.is_named, false});
  }
  for (const auto& chunk : chunks_) {
    if (names.contains(families_[chunk.family].name)) continue;
    const auto begin = rest.lines_.size();
    rest.lines_.append(lines_, chunk.begin, chunk.end - chunk.begin);
    rest.pending_hash_ = chunk.hash;
    rest.finish_chunk(begin, begin + chunk.series_size, families[chunk.family]);
    if (chunk.exemplar != 0) rest.set_exemplar(exemplars_[chunk.exemplar - 1]);
  }
  rest.duplicates_ = duplicates_;
  rest.dropped_ = dropped_;
  rest.has_named_ = has_named_;
  rest.is_grouped_ = is_grouped_;
  return rest;
}

/// The chunks, those of a family one after the other.
std::vector<std::uint32_t> Samples::in_family_order() const {
  std::vector<std::uint32_t> next(families_.size() + 1, 0);
  for (std::size_t i = 0; i < families_.size(); ++i) next[i + 1] = next[i] + families_[i].chunks;
  std::vector<std::uint32_t> order(chunks_.size());
  for (std::uint32_t i = 0; i < chunks_.size(); ++i) order[next[chunks_[i].family]++] = i;
  return order;
}

void Samples::group_by_family() {
  if (std::exchange(is_grouped_, true)) return;
  std::string lines;
  lines.reserve(lines_.size());
  std::vector<Chunk> chunks;
  chunks.reserve(chunks_.size());
  for (const auto index : in_family_order()) {
    auto chunk = chunks_[index];
    const auto begin = lines.size();
    lines.append(lines_, chunk.begin, chunk.end - chunk.begin);
    chunk.begin = begin;
    chunk.end = lines.size();
    chunks.push_back(chunk);
  }
  lines_ = std::move(lines);
  chunks_ = std::move(chunks);
  series_table_ = {};
}

std::vector<Samples::FamilyLines> Samples::families() const {
  std::vector<FamilyLines> all;
  std::size_t chunk = 0;
  for (const auto& family : families_) {
    if (family.chunks == 0) continue;
    all.push_back({family.type,
                   family.name,
                   family.help,
                   {},
                   family.chunks,
                   family.is_named,
                   family.has_exemplars});
    if (!is_grouped_) continue;
    const auto begin = chunks_[chunk].begin;
    chunk += family.chunks;
    all.back().lines = std::string_view(lines_).substr(begin, chunks_[chunk - 1].end - begin);
  }
  return all;
}

std::string Samples::lines_with_exemplars(std::size_t index) const {
  std::string lines;
  std::size_t seen = 0;  // families that have samples
  for (std::size_t chunk = 0, i = 0; i < families_.size() && seen <= index; ++i) {
    if (families_[i].chunks == 0) continue;
    const auto end = chunk + families_[i].chunks;
    for (; seen == index && chunk < end; ++chunk) {
      append_chunk(lines, chunks_[chunk], Format::openmetrics);
    }
    chunk = end;
    ++seen;
  }
  return lines;
}

void Samples::append_chunk(std::string& out, const Chunk& chunk, Format format) const {
  out.append(lines_, chunk.begin, chunk.end - chunk.begin);
  if (chunk.exemplar == 0 || format != Format::openmetrics) return;
  out.pop_back();
  out += exemplars_[chunk.exemplar - 1];
  out += '\n';
}

void Samples::render(Format format, std::string& out) const {
  out.reserve(out.size() + lines_.size() + families_.size() * 160);
  const auto order = in_family_order();
  for (std::size_t i = 0, at = 0; i < families_.size(); ++i) {
    const auto& family = families_[i];
    if (family.chunks == 0) continue;
    append_header(out, family.type, family.name, family.help, format);
    for (const auto end = at + family.chunks; at < end; ++at) {
      append_chunk(out, chunks_[order[at]], format);
    }
  }
}

bool Samples::same_page(const Samples& other) const {
  const auto same_family = [](const Family& a, const Family& b) {
    return a.type == b.type && a.chunks == b.chunks && a.name == b.name && a.help == b.help;
  };
  const auto same_place = [](const Chunk& a, const Chunk& b) {
    return a.family == b.family && a.end == b.end && a.exemplar == b.exemplar;
  };
  return lines_ == other.lines_ && exemplars_ == other.exemplars_ &&
         std::equal(families_.begin(), families_.end(), other.families_.begin(),
                    other.families_.end(), same_family) &&
         std::equal(chunks_.begin(), chunks_.end(), other.chunks_.begin(), other.chunks_.end(),
                    same_place);
}

std::uint32_t Samples::family(const MetricView& metric) {
  if (last_family_ < families_.size() && families_[last_family_].name == metric.name) {
    return last_family_;
  }
  // A run adds the same families, in the same order, for each of the things that it describes.
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

/// The index of the family with that name, or families_.size() and the free slot for it.
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

/// Registers the series at the end of lines_; if it is a duplicate, removes it, counts it and
/// returns false.
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

/// Of the line that was added last.
void Samples::set_exemplar(std::string text) {
  exemplars_.push_back(std::move(text));
  chunks_.back().exemplar = static_cast<std::uint32_t>(exemplars_.size());
  families_[chunks_.back().family].has_exemplars = true;
}

}  // namespace exporter
