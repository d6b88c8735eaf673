#include "common/app/sources.h"

#include <optional>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter {
namespace {

constexpr auto kShortestInterval = std::chrono::seconds(1);

struct Source {
  std::string name;
  std::optional<Yaml> collectors;  ///< the settings of its own
  std::shared_ptr<void> made;
};

/// Where the flags of the one source stand for the keys of an entry.
Yaml entry_of_flags(const AnySourceKind& kind, const Settings& settings) {
  std::vector<Yaml::FlagValue> values;
  for (const auto& [flag, key] : kind.flags) {
    values.push_back({std::string(key), settings.text(flag.name), settings.origin(flag.name)});
  }
  return Yaml::from_flags(values);
}

std::string read_name(const Yaml& entry) {
  const auto name = entry.required("name");
  auto text = name.string();
  if (text.empty() || text.size() > kMaxSourceName) {
    name.fail("expected 1 to " + std::to_string(kMaxSourceName) + " bytes");
  }
  return text;
}

class Reader {
 public:
  Reader(const AnySourceKind& kind, const SourcesInputs& inputs) : kind_(kind), inputs_(inputs) {}

  std::vector<Source> read() const {
    const auto& settings = *inputs_.settings;
    if (kind_.label.empty()) {
      std::vector<Source> one;
      one.push_back({{}, {}, make({}, Yaml::from_flags({}))});
      return one;
    }
    const bool has_list = inputs_.file != nullptr && !kind_.key.empty();
    const auto list = has_list ? inputs_.file->optional(kind_.key) : std::nullopt;
    std::vector<Source> sources;
    if (!list) {
      const auto entry = entry_of_flags(kind_, settings);
      auto name = read_name(entry);
      auto made = make(name, entry);
      sources.push_back({std::move(name), {}, std::move(made)});
      return sources;
    }
    for (const auto& [flag, key] : kind_.flags) {
      if (!settings.is_default(flag.name)) {
        settings.fail(flag.name, "the file has a list of " + std::string(kind_.key));
      }
    }
    std::set<std::string> names;
    for (const auto& entry : list->items()) {
      auto name = read_name(entry);
      if (!names.insert(name).second) entry.required("name").fail("duplicate name");
      auto made = make(name, entry);
      sources.push_back({std::move(name), entry.optional("collector"), std::move(made)});
    }
    if (sources.empty()) list->fail("expected at least one of them");
    return sources;
  }

 private:
  std::shared_ptr<void> make(const std::string& name, const Yaml& entry) const {
    return kind_.make(
        {name, entry, inputs_.settings, inputs_.upstreams, inputs_.ledgers, inputs_.starting});
  }

  const AnySourceKind& kind_;
  const SourcesInputs& inputs_;
};

/// What the user says of one collector of one source: the source's own settings come first.
class Choice {
 public:
  Choice(const AnyModule& module, const Source& source, const Settings& settings)
      : module_(module), source_(source), settings_(settings) {
    if (source.collectors) own_ = source.collectors->optional(module.name);
  }

  bool is_enabled() const {
    const auto own = own_ ? own_->optional("enabled") : std::nullopt;
    return own ? own->boolean() : settings_.enabled(enabled_flag(module_.name));
  }

  Schedule schedule() const {
    auto schedule =
        module_.schedule_for ? module_.schedule_for(source_.made.get()) : module_.schedule;
    auto* every = std::get_if<Every>(&schedule);
    if (const auto own = own_ ? own_->optional("interval") : std::nullopt) {
      if (every == nullptr) own->fail("this collector runs on each scrape");
      every->interval = own->duration();
      if (every->interval < kShortestInterval) own->fail(kTooShort);
      return schedule;
    }
    const auto flag = interval_flag(module_.name);
    if (every == nullptr || !std::holds_alternative<Every>(module_.schedule) ||
        settings_.is_default(flag)) {
      return schedule;
    }
    every->interval = settings_.duration(flag);
    if (every->interval < kShortestInterval) settings_.fail(flag, kTooShort);
    return schedule;
  }

 private:
  static constexpr const char* kTooShort = "expected a duration of at least 1s";

  const AnyModule& module_;
  const Source& source_;
  const Settings& settings_;
  std::optional<Yaml> own_;
};

}  // namespace

std::string enabled_flag(std::string_view collector) {
  return "collector." + std::string(collector) + ".enabled";
}

std::string interval_flag(std::string_view collector) {
  return "collector." + std::string(collector) + ".interval";
}

std::vector<Collector> make_collectors(const AnySourceKind& kind,
                                       std::span<const AnyModule> modules,
                                       const SourcesInputs& inputs) {
  const auto sources = Reader(kind, inputs).read();
  std::vector<Collector> collectors;
  for (const auto& module : modules) {
    for (const auto& source : sources) {
      const Choice choice(module, source, *inputs.settings);
      auto schedule = choice.schedule();  // checked even where the collector is off
      if (!choice.is_enabled()) continue;
      collectors.push_back({.name = std::string(module.name),
                            .source = source.name,
                            .schedule = schedule,
                            .timeout = module.timeout,
                            .metrics = module.metrics,
                            .collect = module.make(source.made),
                            .at_once = kind.at_once});
    }
  }
  return collectors;
}

}  // namespace exporter
