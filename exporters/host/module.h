#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/app/settings.h"
#include "common/collect/collector.h"
#include "common/http/upstream_metrics.h"
#include "exporters/host/files.h"

namespace exporter::host {

/// A path of the host as this process reaches it: rootfs put in front.
std::string rooted(std::string_view rootfs, std::string_view path);
/// The host's path of what stands at or below rootfs: rootfs taken off the front.
std::string_view unrooted(std::string_view rootfs, std::string_view path);

/// The machine as a collector finds it: where its trees are mounted, and the flags' values.
struct Host {
  const Settings& settings;  ///< only valid while the collectors are made
  std::string procfs, sysfs, rootfs, udev_data;
  http::UpstreamMetrics& upstreams;

  Files proc() const { return {procfs, Files::Tree::proc}; }
  Files sys() const { return {sysfs, Files::Tree::sys}; }
  /// The /proc folder that shows the host's network and mounts: "self" on the host itself, "1" when
  /// another machine's or container's /proc is mounted at procfs.
  std::string self() const;
  /// Whether the network that procfs shows is the one this process is in, so that netlink tells of
  /// it too.
  bool own_network() const;
  /// A path of the host as this process reaches it.
  std::string rooted(std::string_view path) const { return host::rooted(rootfs, path); }
};

/// One collector of host_exporter: its name and default, what it declares, and how it is made. Each
/// stands in a file of its own, `extern` for the list in collectors.cc.
struct Module {
  enum class Default { on, off };

  std::string_view name;
  Default enabled;
  std::span<const MetricView> metrics;  ///< the names may hold `<word>`, see matches()
  std::span<const Flag> flags;
  CollectFunction (*make)(const Host& host);
  Schedule (*schedule)(const Settings& settings) = [](const Settings&) -> Schedule {
    return OnScrape{};
  };
};

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

/// Makes a T(host) and lends its collect(Samples&, const Deadline&).
template <class T>
CollectFunction make(const Host& host) {
  return [state = std::make_shared<T>(host)](Samples& samples, const Deadline& deadline) {
    state->collect(samples, deadline);
  };
}

}  // namespace exporter::host
