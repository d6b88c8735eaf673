#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/base/time.h"
#include "exporters/host/collectors.h"
#include "exporters/host/container/cgroups.h"
#include "exporters/host/container/engine.h"
#include "exporters/host/container/families.h"
#include "exporters/host/container/page.h"
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

/// Well below the page that the kernel gives of a list at a time.
constexpr std::size_t kLongList = 2048;
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

/// Where the engine puts the container's cgroup, for one that was never seen running.
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

class Collector {
 public:
  explicit Collector(const Host& host)
      : proc_(host.proc()),
        files_("/", Files::Tree::sys),
        long_files_("/", Files::Tree::proc),
        sys_(host.sys()),
        cgroups_(host, Filter(host.settings, kCgroups.name, "", Filter::Match::whole)),
        reader_(cgroups_.hierarchies(), files_, proc_),
        network_(host),
        limit_(host.settings.count(kLimit.name)),
        every_socket_(!host.settings.is_default(kSockets.name)) {
    const auto labels = texts_of(host.settings, kLabels, kDefaultLabels);
    for (const auto& label : labels) label_names_.push_back(page_name(label));
    const std::set<std::string> distinct(label_names_.begin(), label_names_.end());
    if (distinct.size() != labels.size()) {
      host.settings.fail(kLabels.name, "two labels have the same name on the page");
    }
    for (const auto& socket : texts_of(host.settings, kSockets, kDefaultSockets)) {
      engines_.push_back(std::make_unique<Engine>(EngineOptions{.name = socket,
                                                                .socket = host.rooted(socket),
                                                                .labels = labels,
                                                                .max_containers = limit_},
                                                  host.upstreams));
    }
  }

  void collect(Samples& samples, const Deadline& deadline);

 private:
  /// One container or group to show, from all that knows of it.
  struct Shown {
    std::string id;
    Group* group = nullptr;
    Engine* engine = nullptr;
    const Container* container = nullptr;
    bool current = false;  ///< what the engine says can be believed
    std::string pid{};     ///< of one of its processes; empty when there is none
    double processes = 0;
    std::optional<double> started{};
  };
  using Views = std::vector<Engine::View>;

  Views ask_engines(Samples& samples, const Deadline& deadline);
  std::vector<Shown> shown(const Views& views);
  void add_engine_of(Shown& shown, const Views& views) const;
  void find_processes(Shown& shown);
  void refresh(Shown& shown);
  std::set<const Shown*> network_owners(const std::vector<Shown>& all) const;
  void add(Samples& samples, const Shown& shown, bool owns_network);
  void add_machine(Samples& samples);
  std::vector<std::string> device_names(const Usage& usage);
  std::optional<double> start_of(const std::string& pid);

  Files proc_, files_, long_files_, sys_;
  Cgroups cgroups_;
  UsageReader reader_;
  Network network_;
  std::size_t limit_;
  bool every_socket_;  ///< also those that are not there are shown as down
  std::vector<std::string> label_names_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::map<std::string, std::string, std::less<>> paths_;  ///< of the containers seen running
  std::map<std::string, std::string, std::less<>> devices_;
  double now_ = 0;
};

void Collector::collect(Samples& samples, const Deadline& deadline) {
  now_ = unix_now();
  const auto views = ask_engines(samples, deadline);
  auto all = shown(views);
  auto dropped = cgroups_.dropped();
  for (const auto& view : views) dropped += view.dropped;
  if (all.size() > limit_) {
    dropped += all.size() - limit_;
    all.resize(limit_);
  }
  samples.count_dropped(dropped);
  for (auto& each : all) {
    deadline.check();
    if (each.group != nullptr) refresh(each);
  }
  const auto owners = network_owners(all);
  for (const auto& each : all) {
    deadline.check();
    add(samples, each, owners.contains(&each));
  }
  if (!all.empty()) add_machine(samples);
}

Collector::Views Collector::ask_engines(Samples& samples, const Deadline& deadline) {
  const auto until = std::min(Clock::now() + kFirstListing, deadline.when());
  Views views;
  for (const auto& engine : engines_) {
    const bool followed = engine->follow(until);
    views.push_back(engine->view());
    if (followed || every_socket_) samples.add(kEngineUp, views.back().up ? 1 : 0, engine->name());
  }
  return views;
}

/// Containers first, then other groups, then containers that do not run.
std::vector<Collector::Shown> Collector::shown(const Views& views) {
  std::vector<Shown> all;
  std::set<std::string_view> running;
  for (auto* group : cgroups_.find()) {
    all.push_back({.id = group->id, .group = group});
    if (group->container.empty()) continue;
    add_engine_of(all.back(), views);
    running.insert(group->container);
    paths_[group->container] = group->id;
  }
  for (const auto& path : cgroups_.take_gone()) {
    for (std::size_t i = 0; i < kControllers; ++i) {
      const auto& root = cgroups_.hierarchies()[static_cast<Controller>(i)].root;
      if (!root.empty()) files_.forget((root + path).substr(1));
    }
  }
  std::ranges::stable_partition(all,
                                [](const Shown& each) { return !each.group->container.empty(); });
  std::set<std::string_view> known;
  for (std::size_t i = 0; i < views.size(); ++i) {
    for (const auto& [id, container] : *views[i].containers) {
      if (!known.insert(id).second || running.contains(id)) continue;
      const auto path = paths_.find(id);
      all.push_back(
          {.id = path != paths_.end() ? path->second : expected_path(*container, views[i]),
           .engine = engines_[i].get(),
           .container = container.get(),
           .current = views[i].current});
    }
  }
  std::erase_if(paths_, [&](const auto& entry) {
    return !known.contains(entry.first) && !running.contains(entry.first);
  });
  return all;
}

void Collector::add_engine_of(Shown& shown, const Views& views) const {
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto found = views[i].containers->find(shown.group->container);
    if (found == views[i].containers->end()) continue;
    shown.engine = engines_[i].get();
    shown.container = found->second.get();
    shown.current = views[i].current;
    return;
  }
}

/// Counts the processes and takes one of them. Those of another PID namespace are numbered 0.
void Collector::find_processes(Shown& shown) {
  for (const auto& folder : shown.group->folders) {
    const auto path = (cgroups_.root() + folder + "/cgroup.procs").substr(1);
    auto text = files_.read(path);
    // A long list comes in parts.
    if (text && text->size() >= kLongList) text = long_files_.read_once(path);
    auto rest = text.value_or("");
    while (!rest.empty()) {
      const auto pid = next_part(rest, '\n');
      ++shown.processes;
      if (shown.pid.empty() && pid != "0") shown.pid = pid;
    }
  }
  if (shown.pid.empty() && shown.container != nullptr && shown.container->pid > 0) {
    shown.pid = std::to_string(shown.container->pid);
  }
}

void Collector::refresh(Shown& shown) {
  auto& group = *shown.group;
  const bool is_container = !group.container.empty();
  if (is_container) find_processes(shown);
  if (Clock::now() - group.refreshed >= kRefresh || (is_container && !group.network)) {
    group.known = reader_.know(group.path());
    if (is_container) group.network = network_.namespace_of(shown.pid);
    if (is_container && !group.started) group.started = start_of(shown.pid);
    group.refreshed = Clock::now();
  }
  const bool engine_knows = shown.container != nullptr && shown.container->started;
  shown.started = engine_knows ? shown.container->started : group.started;
}

/// The container whose network it is: of those that share one, as in a pod, the one that joined no
/// other's, and that began first. The host's own network is no container's.
std::set<const Collector::Shown*> Collector::network_owners(const std::vector<Shown>& all) const {
  const auto rank = [](const Shown& each) {
    const bool joins = each.container != nullptr && each.container->joins_network;
    return std::tuple(joins, each.started.value_or(0), std::string_view(each.id));
  };
  std::map<Network::Namespace, const Shown*> owners;
  for (const auto& each : all) {
    if (each.group == nullptr || !each.group->network) continue;
    const auto& network = *each.group->network;
    if (network_.is_hosts(network)) continue;
    auto& owner = owners[network];
    if (owner == nullptr || rank(each) < rank(*owner)) owner = &each;
  }
  std::set<const Shown*> found;
  for (const auto& [network, owner] : owners) found.insert(owner);
  return found;
}

void Collector::add(Samples& samples, const Shown& shown, bool owns_network) {
  const auto* container = shown.container;
  auto* group = shown.group;
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
    const auto usage = reader_.usage(group->path(), group->known);
    page.usage(usage, group->known.limits, device_names(usage));
    if (owns_network) page.interfaces(network_.interfaces(shown.pid));
    if (!group->container.empty()) page.add(kProcesses, shown.processes);
    if (shown.started) page.add(kStartTime, *shown.started);
    page.add(kLastSeen, now_);
    ooms = usage.oom_kills;
  }
  if (shown.engine != nullptr) ooms = shown.engine->ooms(container->id, ooms);
  if (ooms) page.add(kOoms, *ooms);
  if (container == nullptr) return;
  page.info(*container, label_names_);
  if (!shown.current) return;
  page.state(*container);
  if (group == nullptr && container->finished) page.add(kLastSeen, *container->finished);
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

/// When a process began: field 22 of its stat file, in ticks since the machine did (proc(5)).
std::optional<double> Collector::start_of(const std::string& pid) {
  if (pid.empty()) return std::nullopt;
  double booted = 0;
  if (const auto text = proc_.read("stat")) {
    Lines lines(proc_.path("stat"), *text);
    for (std::string_view line; lines.next(line);) {
      if (next_word(line) == "btime") booted = lines.number(next_word(line));
    }
  }
  const auto path = pid + "/stat";
  const auto text = proc_.read_once(path);
  const auto name_end = text ? text->rfind(')') : std::string_view::npos;
  if (name_end == std::string_view::npos) return std::nullopt;
  auto fields = trim(text->substr(name_end + 1));
  for (int field = 3; field < 22; ++field) next_word(fields);
  const auto ticks = Lines(proc_.path(path), *text).number(next_word(fields));
  return booted + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
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

}  // namespace
}  // namespace exporter::host::container

namespace exporter::host {

constinit const Module kContainer{"container", Module::Default::on, container::kFamilies,
                                  container::kFlags, make<container::Collector>};

}  // namespace exporter::host
