#include "exporters/host/container/options.h"

#include <limits>
#include <set>
#include <span>

namespace exporter::host::container {
namespace {

constexpr std::string_view kDefaultSockets[] = {"/run/docker.sock", "/run/podman/podman.sock"};
constexpr std::string_view kDefaultLabels[] = {
    "com.docker.compose.project", "com.docker.compose.service", "io.kubernetes.pod.name",
    "io.kubernetes.pod.namespace", "io.kubernetes.container.name"};
constexpr std::string_view kUnix = "unix://";
constexpr auto kShortestSizeInterval = std::chrono::seconds(10);

/// The values of a repeated flag without empty ones, or its defaults.
std::vector<std::string> texts_of(const Settings& settings, const Flag& flag,
                                  std::span<const std::string_view> defaults) {
  if (settings.is_default(flag.name)) return {defaults.begin(), defaults.end()};
  auto texts = settings.texts(flag.name);
  std::erase(texts, "");
  return texts;
}

/// The paths of the sockets, without duplicates.
std::vector<std::string> sockets_of(const Settings& settings) {
  auto sockets = texts_of(settings, kSockets, kDefaultSockets);
  std::set<std::string> known;
  for (auto& socket : sockets) {
    if (socket.starts_with(kUnix)) socket.erase(0, kUnix.size());
    if (!socket.starts_with('/')) {
      settings.fail(kSockets.name, "expected /PATH or unix:///PATH: " + socket);
    }
    socket = plain_path(socket);
    if (!known.insert(socket).second) settings.fail(kSockets.name, "duplicate: " + socket);
  }
  return sockets;
}

/// cAdvisor's name for a container's label: "container_label_com_docker_compose_project".
std::string page_name(std::string_view label) {
  std::string name = "container_label_";
  for (const char c : label) name += valid_name(std::string{'_', c}) ? c : '_';
  return name;
}

std::vector<std::string> page_names(const Settings& settings,
                                    const std::vector<std::string>& labels) {
  std::vector<std::string> names;
  names.reserve(labels.size());
  for (const auto& label : labels) names.push_back(page_name(label));
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) {
    settings.fail(kLabels.name, "two labels map to the same name");
  }
  return names;
}

std::chrono::milliseconds size_interval_of(const Settings& settings) {
  const auto interval = settings.duration(kSizeInterval.name);
  if (interval != interval.zero() && interval < kShortestSizeInterval) {
    settings.fail(kSizeInterval.name, "expected 0, or a duration of at least 10s");
  }
  return interval;
}

}  // namespace

Options read_options(const Settings& settings) {
  using Wanted = EngineOptions::Wanted;
  const auto labels = texts_of(settings, kLabels, kDefaultLabels);
  const auto limit = settings.count(kLimit.name);
  return {.sockets = sockets_of(settings),
          .sockets_wanted = settings.is_default(kSockets.name) ? Wanted::if_usable : Wanted::always,
          .labels = labels,
          .label_names = page_names(settings, labels),
          .limit = limit > 0 ? limit : std::numeric_limits<std::size_t>::max(),
          .size_interval = size_interval_of(settings),
          .load = settings.enabled(kLoad.name)};
}

Roster::Engines make_engines(const Host& host, const Options& options) {
  Roster::Engines engines;
  for (const auto& socket : options.sockets) {
    const bool named = options.sockets_wanted == EngineOptions::Wanted::always;
    engines.push_back(
        std::make_unique<Engine>(EngineOptions{.name = socket,
                                               .socket = named ? socket : host.rooted(socket),
                                               .wanted = options.sockets_wanted,
                                               .labels = options.labels,
                                               .max_containers = options.limit,
                                               .size_interval = options.size_interval},
                                 host.upstreams));
  }
  return engines;
}

}  // namespace exporter::host::container
