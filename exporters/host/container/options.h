#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "exporters/host/container/roster.h"
#include "exporters/host/module.h"

namespace exporter::host::container {

inline constexpr Flag kSockets{
    "collector.container.socket", "",
    "Socket of a container engine with Docker's API (/PATH or unix:///PATH), as the exporter "
    "reaches it; empty for none. Default: /run/docker.sock and /run/podman/podman.sock below "
    "--path.rootfs, if they exist and may be opened.",
    Flag::Kind::repeated};
inline constexpr Flag kLabels{
    "collector.container.label", "",
    "Exact name of a label of containers to show on container_info, instead of the default: Docker "
    "Compose's project and service, and the names of pod, namespace and container that Kubernetes "
    "gives. Empty for none.",
    Flag::Kind::repeated};
inline constexpr Flag kCgroups{"collector.container.cgroup-include", "/|/[^/]+\\.slice",
                               "Control groups to show that are not containers: regexp of the "
                               "whole path, empty for all, ^$ for none."};
inline constexpr Flag kLimit{"collector.container.limit", "1000",
                             "Maximum number of containers and control groups shown, 0 for all."};
inline constexpr Flag kSizeInterval{
    "collector.container.size-interval", "0s",
    "How often to ask the engine for the size of each container, at least 10s, 0 for never. The "
    "engine walks through the container's files for it."};
inline constexpr Flag kLoad{"collector.container.load", "false",
                            "Count the running tasks of each container every 5 s.",
                            Flag::Kind::boolean};
inline constexpr Flag kFlags[] = {kSockets, kLabels, kCgroups, kLimit, kSizeInterval, kLoad};

/// The values of the flags.
struct Options {
  std::vector<std::string> sockets;
  EngineOptions::Wanted sockets_wanted;
  std::vector<std::string> labels, label_names;  ///< the latter for the page
  std::size_t limit;
  std::chrono::milliseconds size_interval;  ///< 0: never
  bool load;
};

/// Throws Error{config}.
Options read_options(const Settings& settings);

/// The engines behind the sockets; default sockets are below the host's root.
Roster::Engines make_engines(const Host& host, const Options& options);

}  // namespace exporter::host::container
