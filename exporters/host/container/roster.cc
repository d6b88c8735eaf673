#include "exporters/host/container/roster.h"

#include <algorithm>
#include <set>

namespace exporter::host::container {
namespace {

/// Where the engine creates the container's cgroup, for one that was never seen running.
std::string expected_path(const Container& container, const Engine::View& engine) {
  const auto prefix = engine.podman ? "libpod-" : "docker-";
  auto parent = container.cgroup_parent;
  if (engine.systemd) {
    if (parent.empty()) parent = engine.podman ? "machine.slice" : "system.slice";
    return (parent.starts_with('/') ? "" : "/") + parent + '/' + prefix + container.id + ".scope";
  }
  if (parent.empty()) parent = engine.podman ? "/libpod_parent" : "/docker";
  return parent + '/' + (engine.podman ? prefix : "") + container.id;
}

}  // namespace

std::optional<double> Shown::started() const {
  if (container != nullptr && container->started) return container->started;
  return group != nullptr ? group->processes.started : std::nullopt;
}

std::vector<Roster::State> Roster::ask(Clock::time_point until) {
  std::vector<State> states;
  views_.clear();
  for (const auto& engine : engines_) {
    const bool followed = engine->follow(until);
    views_.push_back(engine->view());
    states.push_back({.engine = engine->name(),
                      .shown = followed || engine->wanted() == EngineOptions::Wanted::always,
                      .up = views_.back().up});
  }
  return states;
}

std::size_t Roster::dropped() const {
  std::size_t dropped = 0;
  for (const auto& view : views_) dropped += view.dropped;
  return dropped;
}

std::vector<Shown> Roster::shown(const std::vector<Group*>& groups) {
  std::vector<Shown> all;
  all.reserve(groups.size());
  for (auto* group : groups) {
    all.push_back({.id = group->id, .group = group});
    if (!group->container.empty()) add_engine(all.back());
  }
  std::stable_partition(all.begin(), all.end(),
                        [](const Shown& each) { return !each.group->container.empty(); });
  add_stopped(all);
  return all;
}

void Roster::add_engine(Shown& shown) const {
  for (std::size_t i = 0; i < views_.size(); ++i) {
    const auto found = views_[i].containers->find(shown.group->container);
    if (found == views_[i].containers->end()) continue;
    shown.engine = engines_[i].get();
    shown.container = found->second.get();
    shown.current = views_[i].current;
    return;
  }
}

void Roster::add_stopped(std::vector<Shown>& all) {
  std::set<std::string_view> known;
  for (const auto& each : all) {
    if (each.container == nullptr) continue;
    known.insert(each.container->id);
    paths_.insert_or_assign(each.container->id, each.id);
  }
  for (std::size_t i = 0; i < views_.size(); ++i) {
    for (const auto& [id, container] : *views_[i].containers) {
      if (!known.insert(id).second) continue;
      const auto path = paths_.find(id);
      all.push_back(
          {.id = path != paths_.end() ? path->second : expected_path(*container, views_[i]),
           .engine = engines_[i].get(),
           .container = container.get(),
           .current = views_[i].current});
    }
  }
  std::erase_if(paths_, [&](const auto& entry) { return !known.contains(entry.first); });
}

}  // namespace exporter::host::container
