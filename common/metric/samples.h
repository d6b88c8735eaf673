#pragma once

#include <cstdint>
#include <forward_list>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/metric/format.h"
#include "common/metric/metric.h"

namespace exporter {

constexpr std::size_t kMaxNamedLabels = 16;

/// The samples of one run, text from birth: each add() appends the finished line, which both
/// formats share; render() puts the families' headers around them. The first of equal series wins.
/// A line with a value that OpenMetrics 1.0 forbids is left out, as a strict reader refuses the
/// page for it: a counter, a count or a sum below 0 or NaN, a quantile below 0.
class Samples {
 public:
  /// Adds a sample of a family declared in source, with one value for each of its labels.
  template <std::size_t N, class... Values>
  void add(const Metric<N>& metric, double value, const Values&... labels) {
    static_assert(sizeof...(Values) == N, "one value for each declared label");
    const std::array<std::string_view, N> values{std::string_view(labels)...};
    add(MetricView(metric), value, values);
  }
  void add(const MetricView& metric, double value, std::span<const std::string_view> labels);

  /// Adds a sample of a family whose name comes from the source (a kernel counter, a text file, a
  /// configuration); name and help are copied. A line of a histogram or summary has a suffix
  /// ("_bucket") and an own label (`le` in the form of append_bound()); the lines of a series come
  /// in their order. Throws Error{decode} for an invalid or reserved name, for a label that is
  /// there twice and for more labels than kMaxNamedLabels.
  void add_named(MetricType type, std::string_view name, std::string_view help, double value,
                 std::span<const Label> labels = {}, std::string_view suffix = {});
  void add_named(MetricType type, std::string_view name, std::string_view help, double value,
                 std::initializer_list<Label> labels) {
    add_named(type, name, help, value, std::span<const Label>(labels.begin(), labels.size()));
  }

  /// Makes the family known before its first sample, with its name and help copied: for families
  /// whose declaration does not outlive the samples.
  void declare(const MetricView& metric);

  /// Adds a histogram: `counts[i]` observations fell into (bounds[i-1], bounds[i]], and the last
  /// count, which has no bound, above them all; bounds ascend. `exemplars`, one for each count or
  /// none at all, are those of exemplar(), or empty; OpenMetrics alone shows them.
  template <std::size_t N, class... Values>
  void add_histogram(const Metric<N>& metric, std::span<const double> bounds,
                     std::span<const std::uint64_t> counts, double sum, const Values&... labels) {
    static_assert(sizeof...(Values) == N, "one value for each declared label");
    const std::array<std::string_view, N> values{std::string_view(labels)...};
    add_histogram(MetricView(metric), bounds, counts, sum, values);
  }
  void add_histogram(const MetricView& metric, std::span<const double> bounds,
                     std::span<const std::uint64_t> counts, double sum,
                     std::span<const std::string_view> labels,
                     std::span<const std::string> exemplars = {});

  /// From now on every series must have this label, the name of the source that it is of: adding
  /// one without it is an Error{internal}. So samples of different sources are never the same.
  void require(const Label& label);

  /// Says that a cardinality limit kept `series` series off the page.
  void count_dropped(std::size_t series) { dropped_ += series; }

  /// Says that a row of the source was malformed and is left out; the first one's error is logged.
  void note_malformed_row(std::string_view error) {
    if (first_malformed_row_.empty()) first_malformed_row_ = error;
  }
  /// The error of the first malformed row; empty when there was none.
  const std::string& first_malformed_row() const { return first_malformed_row_; }

  /// Says what of the source is not as it should be although the run is good: the landing page
  /// shows it beside the collector. Holds no secret.
  void set_note(std::string text) { note_ = std::move(text); }
  const std::string& note() const { return note_; }

  /// Says that the run has failed although these samples are right, as what is counted stays right
  /// when its source cannot be read: they are published, and the collector has failed.
  void set_failure(Error failure) { failure_ = std::move(failure); }
  const std::optional<Error>& failure() const { return failure_; }

  /// Says that nothing has changed since the last good run of this background collector: the
  /// samples of that one stay, and those added here are left out.
  void keep_last() { keeps_last_ = true; }
  bool keeps_last() const { return keeps_last_; }

  /// Appends the page of these samples in that format; `# EOF` is left to who joins the pages.
  void render(Format format, std::string& out) const;

  /// A family that has samples, with its lines where these stand together; borrowed.
  struct FamilyLines {
    MetricType type;
    std::string_view name, help, lines;  ///< the lines without their exemplars
    std::size_t count;                   ///< of the lines
    bool is_named;                       ///< its name came from the source
    bool has_exemplars;
  };
  /// Makes the lines of each family stand together. Nothing may be added afterwards.
  void group_by_family();
  /// The families in order of their first sample; without lines before group_by_family().
  std::vector<FamilyLines> families() const;
  /// The lines of families()[index] with their exemplars; of samples that are grouped by family.
  std::string lines_with_exemplars(std::size_t index) const;
  /// Whether the name of some family came from the source.
  bool has_named() const { return has_named_; }

  /// The same without the families of these names.
  Samples without(const std::set<std::string, std::less<>>& names) const;

  /// Lines on the page; a histogram counts each of its lines.
  std::size_t size() const { return sample_count_; }
  std::size_t duplicates() const { return duplicates_; }
  std::size_t dropped() const { return dropped_; }
  /// The series that was met twice first, e.g. `up{a="b"}`; empty when none was.
  const std::string& first_duplicate() const { return first_duplicate_; }

  /// Whether both render to the same pages.
  bool same_page(const Samples& other) const;

 private:
  struct Family {
    MetricType type;
    std::string_view name, help;
    std::uint32_t chunks = 0;
    bool is_named = false, has_exemplars = false;
  };
  /// The lines of one add: where they stand, whose they are, and the hash of their series.
  struct Chunk {
    std::size_t begin, end;
    std::uint32_t family, hash, series_size;
    std::uint32_t exemplar = 0;  // index + 1, 0 is none
  };

  void add_line(const MetricView& metric, std::string_view suffix, double value,
                std::span<const std::string_view> labels);
  bool may_be(const MetricView& metric, std::string_view suffix, double value);
  void check_required(const MetricView& metric, std::span<const std::string_view> labels) const;
  void declare_named(const MetricView& metric);
  std::vector<std::uint32_t> in_family_order() const;
  std::uint32_t family(const MetricView& metric);
  std::uint32_t family_at(std::string_view name, std::size_t& slot) const;
  void append_series(std::string_view name, std::string_view suffix,
                     std::span<const std::string_view> names,
                     std::span<const std::string_view> values);
  bool claim_series(std::size_t begin);
  void grow_series_table();
  void grow_family_table();
  std::string_view series_of(const Chunk& chunk) const;
  void finish_chunk(std::size_t begin, std::size_t series_end, std::uint32_t family);
  void set_exemplar(std::string text);
  void append_chunk(std::string& out, const Chunk& chunk, Format format) const;

  std::string lines_;
  std::vector<Chunk> chunks_;
  std::vector<Family> families_;
  std::vector<std::uint32_t> series_table_, family_table_;  // open addressing; index + 1, 0 is free
  std::vector<std::string> exemplars_;
  std::forward_list<std::string> owned_;
  std::uint32_t last_family_ = 0, pending_hash_ = 0;
  std::size_t sample_count_ = 0, duplicates_ = 0, dropped_ = 0;
  std::string first_duplicate_, first_malformed_row_, note_;
  bool keeps_last_ = false, has_named_ = false, is_grouped_ = false;
  std::string required_name_, required_value_;
  std::optional<Error> failure_;
};

}  // namespace exporter
