#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/host/open_file.h"

namespace exporter::host::container {

/// The files of one control group. Files that the kernel generates at each read stay open as long
/// as this exists, to save path lookups. An absent file is not tried again before look_again().
class GroupFiles {
 public:
  /// The content of root + group + '/' + file; nothing if it is absent or cannot be read. `file`
  /// must outlive this. The text is valid until `buffer` changes. Throws Error{io} when out of
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
