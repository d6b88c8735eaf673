#include <algorithm>

#include "common/base/log.h"
#include "common/base/time.h"
#include "exporters/host/container/families.h"
#include "exporters/host/container/group_reader.h"
#include "exporters/host/container/loads.h"
#include "exporters/host/container/machine.h"
#include "exporters/host/container/options.h"
#include "exporters/host/container/page.h"
#include "exporters/host/module.h"

namespace exporter::host::container {
namespace {

/// How long the first scrape waits until engines have listed their containers.
constexpr auto kFirstListing = std::chrono::seconds(1);

class Collector {
 public:
  explicit Collector(const Host& host)
      : options_(read_options(host.settings)),
        cgroups_(host, Filter(host.settings, kCgroups.name, "", Filter::Match::whole)),
        reader_(host, cgroups_.hierarchies(), cgroups_.root()),
        machine_(host),
        loads_(host),
        roster_(make_engines(host, options_)) {}

  void collect(Samples& samples, const Deadline& deadline);

 private:
  std::vector<Shown> shown(Samples& samples, const Deadline& deadline);
  void watch_loads(const std::vector<Shown>& all);
  void add(Samples& samples, const Shown& shown, bool owns_network);
  void add_group(Page& page, const Shown& shown, bool owns_network);
  void add_layer(Page& page, const Shown& shown);
  void say_problems(Samples& samples);

  const Options options_;
  Cgroups cgroups_;
  GroupReader reader_;
  Machine machine_;
  Loads loads_;
  Roster roster_;
  std::string last_problem_;
  double now_ = 0;
};

void Collector::collect(Samples& samples, const Deadline& deadline) {
  now_ = unix_now();
  const auto all = shown(samples, deadline);
  reader_.refresh(all, deadline);
  if (options_.load) watch_loads(all);
  const auto owners = reader_.network_owners(all);
  for (const auto& each : all) {
    deadline.check();
    add(samples, each, owners.contains(each.group));
  }
  if (all.empty()) return;
  if (const auto cores = machine_.cores()) samples.add(kMachineCores, *cores);
  if (const auto memory = machine_.memory()) samples.add(kMachineMemory, *memory);
  say_problems(samples);
}

std::vector<Shown> Collector::shown(Samples& samples, const Deadline& deadline) {
  for (const auto& engine : roster_.ask(std::min(Clock::now() + kFirstListing, deadline.when()))) {
    if (engine.shown) samples.add(kEngineUp, engine.up ? 1 : 0, engine.engine);
  }
  auto all = roster_.shown(cgroups_.find());
  auto dropped = cgroups_.dropped() + roster_.dropped();
  if (all.size() > options_.limit) {
    dropped += all.size() - options_.limit;
    all.resize(options_.limit);
  }
  samples.count_dropped(dropped);
  return all;
}

void Collector::watch_loads(const std::vector<Shown>& all) {
  const bool unified = cgroups_.hierarchies()[Controller::memory].unified;
  std::vector<Loads::Watched> watched;
  for (const auto& each : all) {
    if (each.group == nullptr || each.group->container.empty()) continue;
    auto& lists = watched.emplace_back(Loads::Watched{each.id, {}}).lists;
    for (const auto& directory : each.group->directories) {
      lists.push_back(cgroups_.root() + directory.path + (unified ? "/cgroup.threads" : "/tasks"));
    }
  }
  loads_.watch(std::move(watched));
}

void Collector::add(Samples& samples, const Shown& shown, bool owns_network) {
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
    add_group(page, shown, owns_network);
    ooms = group->known.usage.oom_kills;
  }
  if (shown.engine != nullptr) ooms = shown.engine->ooms(container->id, ooms);
  if (ooms) page.add(kOoms, *ooms);
  if (container == nullptr) return;
  page.info(*container, options_.label_names);
  if (!shown.current) return;
  page.state(*container);
  const auto stop_requested = shown.engine->stop_requested(container->id);
  if (container->has_ended() && stop_requested) page.add(kStopRequested, *stop_requested ? 1 : 0);
  if (group == nullptr && container->finished) page.add(kLastSeen, *container->finished);
}

void Collector::add_group(Page& page, const Shown& shown, bool owns_network) {
  const auto& group = *shown.group;
  page.usage(group.known.usage, group.known.limits, machine_.device_names(group.known.usage));
  if (owns_network) page.interfaces(reader_.interfaces(group));
  if (!group.container.empty()) page.add(kProcesses, group.processes.count);
  add_layer(page, shown);
  if (const auto load = loads_.of(shown.id)) page.add(kLoadAverage, *load);
  if (const auto started = shown.started()) page.add(kStartTime, *started);
  page.add(kLastSeen, now_);
}

void Collector::add_layer(Page& page, const Shown& shown) {
  const auto* layer = shown.group->layer.system.get();
  if (layer != nullptr) page.file_system(*layer);
  if (shown.engine == nullptr) return;
  const auto size = shown.engine->size(shown.container->id);
  if (size) page.add(kFsUsage, *size, layer != nullptr ? std::string_view(layer->device) : "");
}

/// A problem is logged when it first occurs and when its text changes.
void Collector::say_problems(Samples& samples) {
  const auto& problems = reader_.problems();
  samples.add(kScrapeError, problems.count > 0 ? 1 : 0);
  if (!problems.first.empty() && problems.first != last_problem_) {
    log::warn("part of a container left out", {{"error", problems.first}});
  }
  last_problem_ = problems.first;
}

}  // namespace
}  // namespace exporter::host::container

namespace exporter::host {

extern constinit const Module kContainer{"container", Module::Default::on, container::kFamilies,
                                         container::kFlags, make<container::Collector>};

}  // namespace exporter::host
