#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/base/log.h"

namespace exporter::host {

/// Logs once that a file is complete, but in another maker's format, and so has no data for a
/// collector. Such a file does not change, so that repeated failures would be of no use.
class ForeignLayout {
 public:
  void say(const std::string& path, std::string_view expected) {
    if (std::exchange(said_, true)) return;
    log::warn("file of an unknown layout left out", {{"file", path}, {"expected", expected}});
  }

 private:
  bool said_ = false;
};

}  // namespace exporter::host
