#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace exporter::host::container {

/// An open file, or none; closed when it goes. Knows how many are open.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number);
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  /// Whether one more may stay open: all together get a quarter of what the process may open.
  static bool may_keep();

 private:
  int number_ = -1;
};

/// Those files of one control group that were asked for. What the kernel makes at each read stays
/// open as long as this lives, so that no path is looked up again; what is absent is not asked for
/// again before look_again().
class GroupFiles {
 public:
  /// The content of root + group + '/' + file; nothing when it is absent or cannot be read. `file`
  /// must outlive this. The text is valid until `buffer` changes.
  std::optional<std::string_view> read(std::string_view root, std::string_view group,
                                       std::string_view file, std::string& buffer);
  void look_again();

 private:
  struct Asked {
    std::string_view file;
    bool absent = false;
    Descriptor descriptor{};
  };
  std::vector<Asked> asked_;
};

}  // namespace exporter::host::container
