#include "exporters/host/container/inspect.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"

namespace exporter::host::container {
namespace {

constexpr std::size_t kMaxText = 512;

/// At most that many bytes, without a partial character.
std::string cut(std::string text) {
  if (text.size() <= kMaxText) return text;
  auto end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

std::string text_at(const std::optional<Json>& place, std::string_view key) {
  const auto found = place ? place->find(key) : std::nullopt;
  return found ? cut(found->string()) : "";
}

bool is_id(std::string_view id) {
  return id.size() == 64 && id.find_first_not_of("0123456789abcdef") == id.npos;
}

std::string id_at(const Json& place, std::string_view key) {
  const auto found = place.at(key);
  auto id = found.string();
  if (!is_id(id)) found.fail("expected 64 hexadecimal digits");
  return id;
}

std::int64_t integer_at(const Json& place, std::string_view key) {
  const auto found = place.find(key);
  return found ? found->integer() : 0;
}

/// Engines write the year 1 for events that have not happened.
std::optional<double> time_at(const Json& place, std::string_view key) {
  const auto time = parse_rfc3339(text_at(place, key));
  if (!time || time->time_since_epoch().count() <= 0) return std::nullopt;
  return static_cast<double>(time->time_since_epoch().count()) / 1e6;
}

template <std::size_t N>
std::string one_of(const std::array<std::string_view, N>& names, std::string name) {
  return std::ranges::find(names, name) != names.end() ? name : "";
}

/// Podman has additional states at the start and the end.
std::string docker_state(std::string name) {
  if (name == "configured" || name == "initialized") return "created";
  if (name == "stopped") return "exited";
  if (name == "stopping") return "running";
  return one_of(kStates, std::move(name));
}

}  // namespace

Container parse_container(const Json& inspected, std::span<const std::string> labels) {
  Container container;
  container.id = id_at(inspected, "Id");
  container.name = text_at(inspected, "Name");
  if (container.name.starts_with('/')) container.name.erase(0, 1);
  container.created = time_at(inspected, "Created");
  container.restarts = static_cast<double>(integer_at(inspected, "RestartCount"));
  const auto config = inspected.find("Config");
  container.image = text_at(config, "Image");
  const auto given = config ? config->find("Labels") : std::nullopt;
  for (const auto& label : labels) container.labels.push_back(text_at(given, label));
  const auto state = inspected.at("State");
  container.state = docker_state(text_at(state, "Status"));
  container.health = one_of(kHealths, text_at(state.find("Health"), "Status"));
  container.exit_code = integer_at(state, "ExitCode");
  container.pid = integer_at(state, "Pid");
  const auto killed = state.find("OOMKilled");
  container.oom_killed = killed && killed->boolean();
  container.started = time_at(state, "StartedAt");
  container.finished = time_at(state, "FinishedAt");
  const auto host = inspected.find("HostConfig");
  container.joins_network = text_at(host, "NetworkMode").starts_with("container:");
  container.cgroup_parent = text_at(host, "CgroupParent");
  const auto graph = inspected.find("GraphDriver");
  container.upper_directory = text_at(graph ? graph->find("Data") : std::nullopt, "UpperDir");
  return container;
}

std::vector<Listed> parse_list(const Json& list) {
  std::vector<Listed> containers;
  std::optional<Error> first;
  for (const auto& item : list.items()) {
    try {
      containers.push_back({id_at(item, "Id"), docker_state(text_at(item, "State"))});
    } catch (const Error& error) {
      if (!first) first = error;
    }
  }
  if (first && containers.empty()) throw Error(*first);
  if (first) log::warn("container left out", {{"error", first->what()}});
  return containers;
}

Event parse_event(const Json& event) {
  const auto action = event.at("Action").string();
  const auto actor = event.at("Actor");
  const auto attributes = actor.find("Attributes");
  const bool of_network = text_at(event, "Type") == "network";
  auto id = of_network ? text_at(attributes, "container") : id_at(actor, "ID");
  return {.id = is_id(id) ? std::move(id) : "",
          .action = action.substr(0, action.find(':')),
          .time_ns = integer_at(event, "timeNano"),
          .signal = text_at(attributes, "signal")};
}

}  // namespace exporter::host::container
