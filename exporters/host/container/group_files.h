#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/host/open_file.h"

namespace exporter::host::container {

/// Those files of one control group that were asked for. What the kernel makes at each read stays
/// open as long as this lives, so that no path is looked up again; what is absent is not asked for
/// again before look_again().
class GroupFiles {
 public:
  /// The content of root + group + '/' + file; nothing when it is absent or cannot be read. `file`
  /// must outlive this. The text is valid until `buffer` changes. Throws Error{io} for want of
  /// descriptors.
  std::optional<std::string_view> read(std::string_view root, std::string_view group,
                                       std::string_view file, std::string& buffer);
  void look_again();

 private:
  struct Asked {
    std::string_view file;
    bool absent = false;
    OpenFile open{};
  };
  std::vector<Asked> asked_;
};

}  // namespace exporter::host::container
