#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "exporters/host/collectors.h"
#include "exporters/host/container/families.h"
#include "exporters/host/container/page.h"
#include "exporters/host/container/roster.h"
#include "exporters/host/cpus.h"

namespace exporter::host::container {
namespace {

constexpr Flag kSockets{
    "collector.container.socket", "",
    "Socket of a container engine with Docker's API; empty for none. Default: /run/docker.sock and "
    "/run/podman/podman.sock, below --path.rootfs.",
    Flag::Kind::repeated};
constexpr Flag kLabels{
    "collector.container.label", "",
    "Label of containers to show on container_info. Default: Docker Compose's project and service, "
    "and the names of pod, namespace and container that Kubernetes gives.",
    Flag::Kind::repeated};
constexpr Flag kCgroups{
    "collector.container.cgroup-include", "/|/[^/]+\\.slice",
    "Control groups to show that are no containers (regular expression of the whole path)."};
constexpr Flag kLimit{"collector.container.limit", "1000",
                      "Containers and control groups to show at most."};
constexpr Flag kFlags[] = {kSockets, kLabels, kCgroups, kLimit};

constexpr std::string_view kDefaultSockets[] = {"/run/docker.sock", "/run/podman/podman.sock"};
constexpr std::string_view kDefaultLabels[] = {
    "com.docker.compose.project", "com.docker.compose.service", "io.kubernetes.pod.name",
    "io.kubernetes.pod.namespace", "io.kubernetes.container.name"};

/// How long the first scrape waits for an engine to list its containers.
constexpr auto kFirstListing = std::chrono::seconds(1);
/// Limits and namespaces change seldom: each is read so often.
constexpr auto kRefresh = std::chrono::minutes(1);

/// The values of a repeated flag without empty ones, or its defaults.
std::vector<std::string> texts_of(const Settings& settings, const Flag& flag,
                                  std::span<const std::string_view> defaults) {
  if (settings.is_default(flag.name)) return {defaults.begin(), defaults.end()};
  auto texts = settings.texts(flag.name);
  std::erase(texts, "");
  return texts;
}

/// cAdvisor's name for a container's label: "container_label_com_docker_compose_project".
std::string page_name(std::string_view label) {
  std::string name = "container_label_";
  for (const char c : label) name += valid_name(std::string{'_', c}) ? c : '_';
  return name;
}

Roster::Engines engines_of(const Host& host, const std::vector<std::string>& labels) {
  Roster::Engines engines;
  for (const auto& socket : texts_of(host.settings, kSockets, kDefaultSockets)) {
    engines.push_back(
        std::make_unique<Engine>(EngineOptions{.name = socket,
                                               .socket = host.rooted(socket),
                                               .labels = labels,
                                               .max_containers = host.settings.count(kLimit.name)},
                                 host.upstreams));
  }
  return engines;
}

/// The names on the page of these labels.
std::vector<std::string> page_names(const Settings& settings,
                                    const std::vector<std::string>& labels) {
  std::vector<std::string> names;
  for (const auto& label : labels) names.push_back(page_name(label));
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) {
    settings.fail(kLabels.name, "two labels have the same name on the page");
  }
  return names;
}

class Collector {
 public:
  explicit Collector(const Host& host)
      : proc_(host.proc()),
        sys_(host.sys()),
        cgroups_(host, Filter(host.settings, kCgroups.name, "", Filter::Match::whole)),
        reader_(cgroups_.hierarchies(), host.proc(), problems_),
        network_(host),
        limit_(host.settings.count(kLimit.name)),
        every_socket_(!host.settings.is_default(kSockets.name)),
        labels_(texts_of(host.settings, kLabels, kDefaultLabels)),
        label_names_(page_names(host.settings, labels_)),
        roster_(engines_of(host, labels_)) {}

  void collect(Samples& samples, const Deadline& deadline);

 private:
  std::vector<Shown> shown(Samples& samples, const Deadline& deadline);
  void refresh(const Shown& shown);
  void find_processes(const Shown& shown, bool due);
  std::set<const Group*> network_owners(const std::vector<Shown>& all) const;
  void add(Samples& samples, const Shown& shown, const std::set<const Group*>& network_owners);
  void add_group(Page& page, const Shown& shown, bool owns_network);
  void add_machine(Samples& samples);
  std::vector<std::string> device_names(const Usage& usage);
  void say_problems(Samples& samples);

  Files proc_, sys_;
  Problems problems_;
  Cgroups cgroups_;
  UsageReader reader_;
  Network network_;
  std::size_t limit_;
  bool every_socket_;  ///< those that are not there are shown, as down
  std::vector<std::string> labels_, label_names_;
  Roster roster_;
  std::map<std::string, std::string, std::less<>> devices_;
  std::string last_problem_, buffer_;
  double now_ = 0;
};

void Collector::collect(Samples& samples, const Deadline& deadline) {
  now_ = unix_now();
  problems_ = {};
  const auto all = shown(samples, deadline);
  for (const auto& each : all) {
    deadline.check();
    if (each.group != nullptr) refresh(each);
  }
  const auto owners = network_owners(all);
  for (const auto& each : all) {
    deadline.check();
    add(samples, each, owners);
  }
  if (all.empty()) return;
  add_machine(samples);
  say_problems(samples);
}

std::vector<Shown> Collector::shown(Samples& samples, const Deadline& deadline) {
  for (const auto& engine : roster_.ask(std::min(Clock::now() + kFirstListing, deadline.when()))) {
    if (engine.there || every_socket_) samples.add(kEngineUp, engine.up ? 1 : 0, engine.engine);
  }
  auto all = roster_.shown(cgroups_.find());
  auto dropped = cgroups_.dropped() + roster_.dropped();
  if (all.size() > limit_) {
    dropped += all.size() - limit_;
    all.resize(limit_);
  }
  samples.count_dropped(dropped);
  return all;
}

void Collector::refresh(const Shown& shown) {
  auto& group = *shown.group;
  const bool due = Clock::now() - group.refreshed >= kRefresh;
  if (due) {
    reader_.know(group.path(), group.known);
    group.refreshed = Clock::now();
  }
  const bool worked = reader_.usage(group.path(), group.known);
  if (worked && !group.container.empty()) find_processes(shown, due);
}

void Collector::find_processes(const Shown& shown, bool due) {
  auto& processes = shown.group->processes;
  processes.count = 0;
  processes.pid.clear();
  for (auto& [path, files] : shown.group->folders) {
    const auto procs = files.read(cgroups_.root(), path, "cgroup.procs", buffer_);
    count_processes(processes, procs.value_or(""));
  }
  if (processes.pid.empty() && shown.container != nullptr && shown.container->pid > 0) {
    processes.pid = std::to_string(shown.container->pid);
  }
  if (processes.pid.empty()) return;
  if (due || !processes.network) processes.network = network_.namespace_of(processes.pid);
  if (processes.started) return;
  try {
    processes.started = start_of(proc_, processes.pid);
  } catch (const Error& error) {
    problems_.note(error.what());
  }
}

/// Of the containers that share a network, as in a pod, the one that joined no other's, and that
/// began first. The host's own network is no container's.
std::set<const Group*> Collector::network_owners(const std::vector<Shown>& all) const {
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

void Collector::add(Samples& samples, const Shown& shown,
                    const std::set<const Group*>& network_owners) {
  const auto* container = shown.container;
  const auto* group = shown.group;
  std::string_view name, image;
  if (container != nullptr) {
    name = container->name;
    image = container->image;
  } else if (group->container.size() != kIdDigits) {
    name = group->container;
  }
  Page page(samples, shown.id, name, image);
  std::optional<double> ooms;
  if (group != nullptr) {
    add_group(page, shown, network_owners.contains(group));
    ooms = group->known.usage.oom_kills;
  }
  if (shown.engine != nullptr) ooms = shown.engine->ooms(container->id, ooms);
  if (ooms) page.add(kOoms, *ooms);
  if (container == nullptr) return;
  page.info(*container, label_names_);
  if (!shown.current) return;
  page.state(*container);
  if (group == nullptr && container->finished) page.add(kLastSeen, *container->finished);
}

void Collector::add_group(Page& page, const Shown& shown, bool owns_network) {
  const auto& known = shown.group->known;
  page.usage(known.usage, known.limits, device_names(known.usage));
  const auto& processes = shown.group->processes;
  try {
    if (owns_network) {
      page.interfaces(network_.interfaces(processes.pid, *processes.network));
    }
  } catch (const Error& error) {
    problems_.note(error.what());
  }
  if (!shown.group->container.empty()) page.add(kProcesses, processes.count);
  if (const auto started = shown.started()) page.add(kStartTime, *started);
  page.add(kLastSeen, now_);
}

std::vector<std::string> Collector::device_names(const Usage& usage) {
  std::vector<std::string> names;
  for (const auto& device : usage.devices) {
    auto [known, fresh] = devices_.try_emplace(device.number, device.number);
    if (fresh) {
      const auto link = sys_.link("dev/block/" + device.number);
      if (link) known->second = "/dev/" + link->substr(link->rfind('/') + 1);
    }
    names.push_back(known->second);
  }
  return names;
}

void Collector::add_machine(Samples& samples) {
  const auto cores = read_cpu_list(sys_, "online").size();
  if (cores > 0) samples.add(kMachineCores, static_cast<double>(cores));
  const auto text = proc_.read("meminfo");
  Lines lines(proc_.path("meminfo"), text.value_or(""));
  for (std::string_view line; lines.next(line);) {
    if (next_part(line, ':') != "MemTotal") continue;
    samples.add(kMachineMemory, lines.number(next_word(line)) * 1024);
    return;
  }
}

/// A problem is logged when it begins and when its text changes.
void Collector::say_problems(Samples& samples) {
  samples.add(kScrapeError, problems_.count > 0 ? 1 : 0);
  if (!problems_.first.empty() && problems_.first != last_problem_) {
    log::warn("part of a container left out", {{"error", problems_.first}});
  }
  last_problem_ = problems_.first;
}

}  // namespace
}  // namespace exporter::host::container

namespace exporter::host {

constinit const Module kContainer{"container", Module::Default::on, container::kFamilies,
                                  container::kFlags, make<container::Collector>};

}  // namespace exporter::host
