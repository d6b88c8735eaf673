#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/base/log.h"

namespace exporter::host {

/// Says once in the log that a file is whole, but of another maker's layout, and so has nothing for
/// a collector. Such a file stays as it is, and a failure at each run would tell nobody more.
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
