#include "exporters/host/udev.h"

namespace exporter::host {

UdevProperties::UdevProperties(std::string_view text) {
  while (!text.empty() && count_ < properties_.size()) {
    auto line = next_part(text, '\n');
    if (!line.starts_with("E:")) continue;
    line.remove_prefix(2);
    const auto name = next_part(line, '=');
    properties_[count_++] = {name, line};
  }
}

std::string_view UdevProperties::operator[](std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (properties_[i].name == name) return properties_[i].value;
  }
  return {};
}

std::string_view UdevProperties::first_of(std::initializer_list<std::string_view> names) const {
  for (const auto name : names) {
    if (const auto value = (*this)[name]; !value.empty()) return value;
  }
  return {};
}

UdevProperties Udev::properties(std::string_view major, std::string_view minor) {
  std::string name("b");
  name.append(major).append(":").append(minor);
  return UdevProperties(files_.read(name).value_or(""));
}

}  // namespace exporter::host
