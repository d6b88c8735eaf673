#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/metric/gzip.h"
#include "common/metric/samples.h"

namespace exporter {

/// The result of one successful run of one collector. Immutable; each form of its page is made at
/// most once, on first use, and shared by all scrapes.
class Snapshot {
 public:
  /// `level` is zlib's: 1 for pages that change with each scrape, 6 for pages that are served many
  /// times.
  Snapshot(Samples samples, int level);

  const Samples& samples() const { return samples_; }
  int level() const { return level_; }
  const std::string& page(Format format) const;
  const Deflated& deflated(Format format) const;

  /// The lines of a family, by its index in samples().families(), compressed separately.
  const Deflated& deflated_family(std::size_t index, Format format) const;
  /// Those lines in OpenMetrics.
  const std::string& lines_with_exemplars(std::size_t index) const;

 private:
  struct Forms {
    std::once_flag page_once, deflated_once;
    std::string page;
    Deflated deflated;
  };
  struct Family {
    std::once_flag lines_once, deflated_once;
    std::string lines;  // with exemplars
    Deflated deflated;
  };
  Forms& forms(Format format) const { return forms_[static_cast<std::size_t>(format)]; }
  Family& family(std::size_t index, bool with_exemplars) const;

  Samples samples_;
  int level_;
  mutable std::array<Forms, 2> forms_;
  mutable std::once_flag families_once_;
  mutable std::unique_ptr<Family[]> families_;  // as both formats show them, and with exemplars
};

}  // namespace exporter
