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

/// The samples of one run, as text: each add() appends a finished line, which both formats share;
/// render() adds the headers of the families. Of duplicate series the first is kept. A line with a
/// value that OpenMetrics 1.0 forbids is left out, because a strict parser rejects the whole page
/// for it: a counter, a count or a sum that is negative or NaN, a negative quantile.
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
  /// ("_bucket") and its own label (`le` in the form of append_bound()); the lines of a series must
  /// be in order. Throws Error{decode} for an invalid or reserved name, for a duplicate label and
  /// for more than kMaxNamedLabels labels.
  void add_named(MetricType type, std::string_view name, std::string_view help, double value,
                 std::span<const Label> labels = {}, std::string_view suffix = {});
  void add_named(MetricType type, std::string_view name, std::string_view help, double value,
                 std::initializer_list<Label> labels) {
    add_named(type, name, help, value, std::span<const Label>(labels.begin(), labels.size()));
  }

  /// Registers the family before its first sample, copying its name and help: for families whose
  /// declaration does not outlive the samples.
  void declare(const MetricView& metric);

  /// Adds a histogram: `counts[i]` observations fell into (bounds[i-1], bounds[i]], and the last
  /// count, which has no bound, is for those above all bounds; bounds are ascending. `exemplars` is
  /// empty, or has one for each count, made by exemplar() or empty; only OpenMetrics shows them.
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

  /// From now on every series must have this label, whose value is the name of the source: adding
  /// one without it is an Error{internal}. So samples of different sources cannot clash.
  void require(const Label& label);

  /// Counts `series` series that a cardinality limit kept off the page.
  void count_dropped(std::size_t series) { dropped_ += series; }

  /// Records that a malformed row was left out; the first such error is logged.
  void note_malformed_row(std::string_view error) {
    if (first_malformed_row_.empty()) first_malformed_row_ = error;
  }
  /// The error of the first malformed row; empty if there was none.
  const std::string& first_malformed_row() const { return first_malformed_row_; }

  /// Sets a remark about the source that does not make the run fail; the landing page shows it with
  /// the collector. Must not hold a secret.
  void set_note(std::string text) { note_ = std::move(text); }
  const std::string& note() const { return note_; }

  /// Makes the run fail, but publishes these samples: counts stay right when their source cannot be
  /// read.
  void set_failure(Error failure) { failure_ = std::move(failure); }
  const std::optional<Error>& failure() const { return failure_; }

  /// Declares that nothing has changed since the last successful run of this background collector:
  /// its samples stay, and those added here are discarded.
  void keep_last() { keeps_last_ = true; }
  bool keeps_last() const { return keeps_last_; }

  /// Appends the page of these samples in that format, without `# EOF`, which follows the joined
  /// pages.
  void render(Format format, std::string& out) const;

  /// A family with samples, and its lines if they are contiguous; borrowed.
  struct FamilyLines {
    MetricType type;
    std::string_view name, help, lines;  ///< the lines without their exemplars
    std::size_t count;                   ///< of the lines
    bool is_named;                       ///< its name came from the source
    bool has_exemplars;
  };
  /// Makes the lines of each family contiguous. Nothing may be added afterwards.
  void group_by_family();
  /// The families in the order of their first sample; without lines unless group_by_family() was
  /// called.
  std::vector<FamilyLines> families() const;
  /// The lines of families()[index] with their exemplars; requires group_by_family().
  std::string lines_with_exemplars(std::size_t index) const;
  /// Whether a family's name came from the source.
  bool has_named() const { return has_named_; }

  /// A copy without the families of these names.
  Samples without(const std::set<std::string, std::less<>>& names) const;

  /// Lines on the page; a histogram counts each of its lines.
  std::size_t size() const { return sample_count_; }
  std::size_t duplicates() const { return duplicates_; }
  std::size_t dropped() const { return dropped_; }
  /// The first duplicate series, e.g. `up{a="b"}`; empty if there is none.
  const std::string& first_duplicate() const { return first_duplicate_; }

  /// Whether both render to the same page.
  bool same_page(const Samples& other) const;

 private:
  struct Family {
    MetricType type;
    std::string_view name, help;
    std::uint32_t chunks = 0;
    bool is_named = false, has_exemplars = false;
  };
  /// The lines of one add(): their position, their family, and the hash of their series.
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
