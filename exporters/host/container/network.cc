#include "exporters/host/container/network.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "common/base/error.h"
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

bool is_in_proc(const OpenFile& descriptor) {
  struct statfs found {};
  return ::fstatfs(descriptor.number(), &found) == 0 && found.f_type == PROC_SUPER_MAGIC;
}

}  // namespace

std::strong_ordering Network::Namespace::operator<=>(const Namespace& other) const {
  return std::tie(device, inode) <=> std::tie(other.device, other.inode);
}

Network::Network(const Host& host) : proc_(host.proc()), short_(host.procfs, Files::Tree::sys) {
  host_ = namespace_at(host.network("dev"));
}

/// The kernel has one set of /proc/PID/net files per network namespace, and unlike the links in
/// /proc/PID/ns they need no permission.
std::optional<Network::Namespace> Network::namespace_at(const std::string& devices) const {
  struct stat found {};
  const auto path = proc_.path(devices);
  OpenFile file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file && is_exhausted(errno)) throw io_error(path, errno);
  if (!file || ::fstat(file.number(), &found) != 0) return std::nullopt;
  Namespace network{found.st_dev, found.st_ino};
  if (OpenFile::may_keep() && is_in_proc(file)) {
    network.file = std::make_shared<const OpenFile>(std::move(file));
  }
  return network;
}

std::optional<std::string_view> Network::read(const std::string& path) {
  const auto text = short_.read_once(path);
  // The kernel returns whole lines, at most 4 KiB at a time.
  return text && text->size() >= kOnePart ? proc_.read_once(path) : text;
}

std::vector<Interface> Network::interfaces(std::string_view pid, const Namespace& network) {
  std::vector<Interface> found;
  const auto path = std::string(pid) + "/net/dev";
  std::optional<std::string_view> text;
  if (network.file) text = read("self/fd/" + std::to_string(network.file->number()));
  if (!text) text = read(path);
  if (!text) return found;
  Lines lines(proc_.path(path), *text);
  std::string_view line;
  lines.next(line);  // two header lines
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
