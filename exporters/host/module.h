#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/app/module.h"
#include "common/http/upstream_metrics.h"
#include "exporters/host/files.h"

namespace exporter::host {

/// A path without repeated slashes and without one at the end, as the kernel writes it.
std::string plain_path(std::string_view path);
/// A path of the host as this process reaches it: rootfs put in front.
std::string rooted(std::string_view rootfs, std::string_view path);
/// The host's path of what stands at or below rootfs: rootfs taken off the front.
std::string_view unrooted(std::string_view rootfs, std::string_view path);

/// The machine as a collector finds it: where its trees are mounted, and the flags' values.
struct Host {
  const Settings& settings;
  std::string procfs, sysfs, rootfs, udev_data;
  http::UpstreamMetrics& upstreams;
  std::shared_ptr<const Settings> owned_settings = {};

  Files proc() const { return {procfs, Files::Tree::proc}; }
  Files sys() const { return {sysfs, Files::Tree::sys}; }
  /// The directory below procfs that shows the host's processes as process 1 has them: "self" on
  /// the host itself, "1" when another machine's or container's /proc is mounted at procfs.
  std::string self() const;
  /// The path below procfs of a file of the host's network: of the process self(). Where that
  /// process is hidden or the file was not recorded for it, below "net", which the kernel makes
  /// that of whoever reads it, or "self/net". A network that the kernel shows is taken whole, with
  /// the files that it lacks.
  std::string network(std::string_view file) const;
  /// Whether the network that procfs shows is the one this process is in, so that netlink tells of
  /// it too.
  bool own_network() const;
  /// A path of the host as this process reaches it.
  std::string rooted(std::string_view path) const { return host::rooted(rootfs, path); }
};

using Module = exporter::Module<Host>;

/// Whether a family's name fits the name that a module declares, in which `<word>` stands for any
/// text: node_memory_<field>_bytes.
bool matches(std::string_view declared, std::string_view name);

/// The families of a table whose rows have a `metric`, and more.
template <class Row, std::size_t N, class... More>
constexpr auto families(const Row (&rows)[N], const More&... more) {
  std::array<MetricView, N + sizeof...(more)> views{};
  std::size_t i = 0;
  for (const auto& row : rows) views[i++] = row.metric;
  ((views[i++] = more), ...);
  return views;
}

}  // namespace exporter::host
