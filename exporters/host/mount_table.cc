#include "exporters/host/mount_table.h"

#include "common/base/text.h"

namespace exporter::host {
namespace {

/// Decodes the bytes that the kernel writes as `\ooo`: blanks and the backslash.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte =
        text[i] == '\\' ? parse_number<std::uint8_t>(text.substr(i + 1, 3), 8) : std::nullopt;
    plain += byte ? static_cast<char>(*byte) : text[i];
    if (byte) i += 3;
  }
  return plain;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    if (next_part(options, ',') == wanted) return true;
  }
  return false;
}

}  // namespace

/// "36 35 98:0 /root /mnt rw,noatime shared:1 - ext3 /dev/root rw,errors=continue", see
/// proc_pid_mountinfo(5).
Mount parse_mount(const Lines& lines, std::string_view line) {
  const auto dash = line.find(" - ");
  if (dash == std::string_view::npos) lines.fail("the separator \"-\" is missing");
  auto front = line.substr(0, dash), back = line.substr(dash + 3);
  const auto id = lines.integer(next_part(front, ' '));
  next_part(front, ' ');
  auto device_number = next_part(front, ' ');
  const auto major = lines.integer(next_part(device_number, ':'));
  const auto minor = lines.integer(device_number);
  next_part(front, ' ');
  const auto mount_point = unescape(next_part(front, ' '));
  const auto options = next_part(front, ' ');
  const auto type = next_part(back, ' '), device = next_part(back, ' ');
  if (mount_point.empty() || type.empty()) lines.fail("a field is missing");
  return {.id = id,
          .device = std::string(device),
          .mount_point = mount_point,
          .type = std::string(type),
          .major = std::to_string(major),
          .minor = std::to_string(minor),
          .read_only = has_option(options, "ro") || has_option(back, "ro") ||
                       has_option(back, "emergency_ro"),
          .options = std::string(back)};
}

std::string option_of(const Mount& mount, std::string_view name) {
  for (std::string_view options = mount.options; !options.empty();) {
    auto value = next_part(options, ',');
    if (next_part(value, '=') == name) return unescape(value);
  }
  return {};
}

}  // namespace exporter::host
