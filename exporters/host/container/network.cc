#include "exporters/host/container/network.h"

#include <sys/stat.h>

#include <algorithm>

#include "common/base/text.h"

namespace exporter::host::container {
namespace {

constexpr std::size_t kOnePart = 2048;
constexpr std::string_view kIgnored[] = {"veth", "docker", "nerdctl"};

bool is_ignored(std::string_view name) {
  return name == "lo" || std::ranges::any_of(kIgnored, [&](std::string_view prefix) {
           return name.starts_with(prefix);
         });
}

Interface parse_interface(const Lines& lines, std::string_view name, std::string_view columns) {
  double values[12];
  for (auto& value : values) value = lines.number(next_word(columns));
  return {.name = std::string(name),
          .received_bytes = values[0],
          .received_packets = values[1],
          .received_errors = values[2],
          .received_dropped = values[3],
          .sent_bytes = values[8],
          .sent_packets = values[9],
          .sent_errors = values[10],
          .sent_dropped = values[11]};
}

}  // namespace

Network::Network(const Host& host) : proc_(host.proc()), short_(host.procfs, Files::Tree::sys) {
  host_ = namespace_of(host.self());
}

/// The files of /proc/PID/net are made once for each network namespace, and unlike the links in
/// /proc/PID/ns everybody may look at them.
std::optional<Network::Namespace> Network::namespace_of(std::string_view pid) const {
  struct stat found {};
  const auto path = proc_.path(std::string(pid) + "/net/dev");
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return Namespace{found.st_dev, found.st_ino};
}

std::vector<Interface> Network::interfaces(std::string_view pid) {
  std::vector<Interface> found;
  const auto path = std::string(pid) + "/net/dev";
  // A descriptor that is kept would keep the namespace.
  auto text = short_.read_once(path);
  // The kernel gives whole lines, at most 4 KiB at a time.
  if (text && text->size() >= kOnePart) text = proc_.read_once(path);
  if (!text) return found;
  Lines lines(proc_.path(path), *text);
  std::string_view line;
  lines.next(line);  // two lines of headings
  lines.next(line);
  while (lines.next(line)) {
    const auto colon = line.rfind(':');
    if (colon == line.npos) lines.fail("expected a device and a colon");
    const auto name = trim(line.substr(0, colon));
    if (!is_ignored(name)) found.push_back(parse_interface(lines, name, line.substr(colon + 1)));
  }
  return found;
}

}  // namespace exporter::host::container
