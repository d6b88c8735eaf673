#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "exporters/host/container/roster.h"
#include "exporters/host/module.h"

namespace exporter::host::container {

inline constexpr Flag kSockets{
    "collector.container.socket", "",
    "Socket of a container engine with Docker's API; empty for none. Default: /run/docker.sock and "
    "/run/podman/podman.sock, below --path.rootfs.",
    Flag::Kind::repeated};
inline constexpr Flag kLabels{
    "collector.container.label", "",
    "Label of containers to show on container_info. Default: Docker Compose's project and service, "
    "and the names of pod, namespace and container that Kubernetes gives.",
    Flag::Kind::repeated};
inline constexpr Flag kCgroups{
    "collector.container.cgroup-include", "/|/[^/]+\\.slice",
    "Control groups to show that are no containers (regular expression of the whole path)."};
inline constexpr Flag kLimit{"collector.container.limit", "1000",
                             "Containers and control groups to show at most."};
inline constexpr Flag kSizeInterval{
    "collector.container.size-interval", "0s",
    "How often to ask the engine what each container has written, at least 10s; it walks through "
    "the container's files for that. 0 for never."};
inline constexpr Flag kLoad{"collector.container.load", "false",
                            "Count the running tasks of each container every 5 s.",
                            Flag::Kind::boolean};
inline constexpr Flag kFlags[] = {kSockets, kLabels, kCgroups, kLimit, kSizeInterval, kLoad};

/// The values of the flags.
struct Options {
  std::vector<std::string> sockets;              ///< paths on the host
  bool every_socket;                             ///< those that are not there are shown, as down
  std::vector<std::string> labels, label_names;  ///< the latter are those on the page
  std::size_t limit;
  std::chrono::milliseconds size_interval;  ///< 0: never
  bool load;
};

/// Throws Error{config}.
Options read_options(const Settings& settings);

/// The engines behind the sockets.
Roster::Engines make_engines(const Host& host, const Options& options);

}  // namespace exporter::host::container
