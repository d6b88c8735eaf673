#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/metric/gzip.h"
#include "common/metric/samples.h"

namespace exporter {

/// What one good run of one collector produced. Immutable; each form of its page is made at most
/// once, by whoever asks first, and shared by all scrapes.
class Snapshot {
 public:
  /// `level` is zlib's: 1 for what changes at each scrape, 6 for what is served many times.
  Snapshot(Samples samples, int level);

  const Samples& samples() const { return samples_; }
  int level() const { return level_; }
  const std::string& page(Format format) const;
  const Deflated& deflated(Format format) const;

  /// The lines of a family, by its place in samples().families(), compressed apart.
  const Deflated& deflated_family(std::size_t index, Format format) const;
  /// Those lines as OpenMetrics shows them.
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
  mutable std::unique_ptr<Family[]> families_;  // as both formats show them, then with exemplars
};

}  // namespace exporter
