#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace exporter {

/// Bytes to be written, in pieces that are shared rather than copied.
class Body {
 public:
  Body() = default;
  explicit Body(std::string text) { add(std::make_shared<const std::string>(std::move(text))); }

  /// Adds a string that is shared.
  void add(std::shared_ptr<const std::string> text) {
    const std::string_view view = *text;
    add(view, std::move(text));
  }
  /// Adds bytes that live as long as `owner`; static bytes need no owner.
  void add(std::string_view bytes, std::shared_ptr<const void> owner) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    parts_.push_back(bytes);
    if (owner) owners_.push_back(std::move(owner));
  }

  const std::vector<std::string_view>& parts() const { return parts_; }
  std::size_t size() const { return size_; }

  /// The pieces as one string.
  std::string joined() const {
    std::string all;
    all.reserve(size_);
    for (const auto part : parts_) all += part;
    return all;
  }

 private:
  std::vector<std::string_view> parts_;
  std::vector<std::shared_ptr<const void>> owners_;
  std::size_t size_ = 0;
};

}  // namespace exporter
