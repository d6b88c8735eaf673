#include "exporters/host/container/group_reader.h"

#include <map>
#include <tuple>

#include "common/base/error.h"

namespace exporter::host::container {
namespace {

/// How often limits, namespaces and file systems are read, which rarely change.
constexpr auto kRefresh = std::chrono::minutes(1);

}  // namespace

/// A failure affects only the values being read.
template <class Read>
void GroupReader::attempt(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    problems_.note(error.what());
  }
}

void GroupReader::refresh(const std::vector<Shown>& all, const Deadline& deadline) {
  problems_ = {};
  for (const auto& each : all) {
    deadline.check();
    if (each.group != nullptr) refresh(each);
  }
  attempt([&] { layers_.ask(deadline); });
}

void GroupReader::refresh(const Shown& shown) {
  auto& group = *shown.group;
  const bool due = Clock::now() - group.refreshed >= kRefresh;
  if (due) {
    usage_.know(group.path(), group.known);
    group.refreshed = Clock::now();
  }
  const bool worked = usage_.usage(group.path(), group.known);
  if (worked && !group.container.empty()) find_processes(shown, due);
}

void GroupReader::find_processes(const Shown& shown, bool due) {
  const auto* container = shown.container;
  auto& processes = shown.group->processes;
  processes.count = 0;
  processes.pid.clear();
  for (auto& [path, files] : shown.group->directories) {
    const auto procs = files.read(root_, path, "cgroup.procs", buffer_);
    count_processes(processes, procs.value_or(""));
  }
  if (processes.pid.empty() && container != nullptr && container->pid > 0) {
    processes.pid = std::to_string(container->pid);
  }
  if (processes.pid.empty()) return;
  if (due || !processes.network) processes.network = network_.namespace_of(processes.pid);
  if (due) {
    attempt([&] {
      layers_.update(shown.group->layer, processes.pid,
                     container != nullptr ? container->upper_directory : "");
    });
  }
  if (!processes.started) attempt([&] { processes.started = start_of(proc_, processes.pid); });
}

std::set<const Group*> GroupReader::network_owners(const std::vector<Shown>& all) const {
  const auto rank = [](const Shown& each) {
    const bool joins = each.container != nullptr && each.container->joins_network;
    return std::tuple(joins, each.started().value_or(0), std::string_view(each.id));
  };
  std::map<Network::Namespace, const Shown*> owners;
  for (const auto& each : all) {
    if (each.group == nullptr || each.group->processes.pid.empty()) continue;
    const auto& network = each.group->processes.network;
    if (!network || network_.is_hosts(*network)) continue;
    auto& owner = owners[*network];
    if (owner == nullptr || rank(each) < rank(*owner)) owner = &each;
  }
  std::set<const Group*> found;
  for (const auto& [network, owner] : owners) found.insert(owner->group);
  return found;
}

std::vector<Interface> GroupReader::interfaces(const Group& group) {
  std::vector<Interface> found;
  attempt([&] { found = network_.interfaces(group.processes.pid, *group.processes.network); });
  return found;
}

}  // namespace exporter::host::container
