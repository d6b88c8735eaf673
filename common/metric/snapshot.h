#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>

#include "common/metric/gzip.h"
#include "common/metric/samples.h"

namespace exporter {

/// What one good run of one collector produced. Immutable; each form of its page is made at most
/// once, by whoever asks first, and shared by all scrapes.
class Snapshot {
 public:
  /// `level` is zlib's: 1 for what changes at each scrape, 6 for what is served many times.
  Snapshot(Samples samples, int level) : samples_(std::move(samples)), level_(level) {}

  const Samples& samples() const { return samples_; }
  int level() const { return level_; }
  const std::string& page(Format format) const;
  const Deflated& deflated(Format format) const;

 private:
  struct Forms {
    std::once_flag page_once, deflated_once;
    std::string page;
    Deflated deflated;
  };
  Forms& forms(Format format) const { return forms_[static_cast<std::size_t>(format)]; }

  Samples samples_;
  int level_;
  mutable std::array<Forms, 2> forms_;
};

}  // namespace exporter
