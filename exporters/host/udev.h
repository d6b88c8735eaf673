#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

#include "exporters/host/files.h"

namespace exporter::host {

/// udev's data on one device; borrows the text of its file.
class UdevProperties {
 public:
  explicit UdevProperties(std::string_view text);

  /// The property's value; empty if it is not set.
  std::string_view operator[](std::string_view name) const;
  /// The first of these that is not empty.
  std::string_view first_of(std::initializer_list<std::string_view> names) const;

 private:
  struct Property {
    std::string_view name, value;
  };
  std::array<Property, 256> properties_;
  std::size_t count_ = 0;
};

/// Reads udev's device database, /run/udev/data.
class Udev {
 public:
  explicit Udev(std::string directory) : files_(std::move(directory), Files::Tree::sys) {}

  /// The properties of a block device; valid until the next call. Empty if udev does not know it.
  UdevProperties properties(std::string_view major, std::string_view minor);

 private:
  Files files_;
};

}  // namespace exporter::host
