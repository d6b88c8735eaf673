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

/// A path without repeated or trailing slashes, as the kernel writes it.
std::string plain_path(std::string_view path);
/// The path in this process of a path on the host: with rootfs in front.
std::string rooted(std::string_view rootfs, std::string_view path);
/// The path on the host of something at or below rootfs: without rootfs.
std::string_view unrooted(std::string_view rootfs, std::string_view path);

/// The machine as seen by a collector: where its trees are mounted, and the flags' values.
struct Host {
  const Settings& settings;
  std::string procfs, sysfs, rootfs, udev_data;
  http::UpstreamMetrics& upstreams;
  std::shared_ptr<const Settings> owned_settings = {};

  Files proc() const { return {procfs, Files::Tree::proc}; }
  Files sys() const { return {sysfs, Files::Tree::sys}; }
  /// The directory in procfs that has the view of the host's process 1: "self" on the host itself,
  /// "1" if another machine's or container's /proc is mounted at procfs.
  std::string self() const;
  /// The path in procfs of a file of the host's network: of the process self(). If that process is
  /// hidden, or the file is not in a recorded procfs, the path below "net", the network of the
  /// reading process, or "self/net". A visible network is used as a whole, even if it lacks a file.
  std::string network(std::string_view file) const;
  /// Whether the network in procfs is the one this process is in, so that netlink shows it too.
  bool own_network() const;
  /// The path in this process of a path on the host.
  std::string rooted(std::string_view path) const { return host::rooted(rootfs, path); }
};

using Module = exporter::Module<Host>;

/// Whether a family's name matches the name that a module declares, in which `<word>` matches any
/// text: node_memory_<field>_bytes.
bool matches(std::string_view declared, std::string_view name);

/// The metrics in a table whose rows have a `metric`.
template <class Row, std::size_t N, class... More>
constexpr auto families(const Row (&rows)[N], const More&... more) {
  std::array<MetricView, N + sizeof...(more)> views{};
  std::size_t i = 0;
  for (const auto& row : rows) views[i++] = row.metric;
  ((views[i++] = more), ...);
  return views;
}

}  // namespace exporter::host
